#pragma once
// The lockers domain: what may be asked, what has happened, and what it may be set to. A locker (a wall of compartments)
// is the boundary: its capacity is a rule over all parcels in it.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "core/event/fields.hpp"

namespace tidemark::schemas::lockers {

inline constexpr std::string_view kDomainName = "lockers";
inline constexpr std::string_view kParcelsTopic = "lockers.parcels";

using LockerId = event::Text<1, 64>;
using ParcelId = event::Text<1, 64>;

/// Refused: PARCEL_ALREADY_STORED, LOCKER_FULL.
struct StoreParcel {
  static constexpr std::string_view kType = "StoreParcel";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kDescription = "A courier puts a parcel into a locker.";
  std::string boundary() const { return locker; }

  LockerId locker;
  ParcelId parcel;
};
BOOST_DESCRIBE_STRUCT(StoreParcel, (), (locker, parcel))

/// Refused: PARCEL_NOT_FOUND.
struct CollectParcel {
  static constexpr std::string_view kType = "CollectParcel";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kDescription = "A recipient takes a parcel out.";
  std::string boundary() const { return locker; }

  LockerId locker;
  ParcelId parcel;
};
BOOST_DESCRIBE_STRUCT(CollectParcel, (), (locker, parcel))

struct ReturnParcel {
  static constexpr std::string_view kType = "ReturnParcel";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kDescription = "Issued by the parcel's timer when nobody came for it.";
  std::string boundary() const { return locker; }

  LockerId locker;
  ParcelId parcel;
};
BOOST_DESCRIBE_STRUCT(ReturnParcel, (), (locker, parcel))

using Command = std::variant<StoreParcel, CollectParcel, ReturnParcel>;

struct ParcelStored {
  static constexpr std::string_view kType = "ParcelStored";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kParcelsTopic;
  static constexpr std::string_view kDescription = "A parcel lies in a compartment, until keep_until at the latest.";
  std::string subject() const { return parcel; }
  std::string record_key() const { return locker; }

  std::string locker;
  std::string parcel;
  std::uint32_t compartment = 0;
  std::int64_t keep_until = 0;  ///< ms since 1970
};
BOOST_DESCRIBE_STRUCT(ParcelStored, (), (locker, parcel, compartment, keep_until))

struct ParcelCollected {
  static constexpr std::string_view kType = "ParcelCollected";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kParcelsTopic;
  static constexpr std::string_view kDescription = "The recipient has the parcel; its compartment is free.";
  std::string subject() const { return parcel; }
  std::string record_key() const { return locker; }

  std::string locker;
  std::string parcel;
};
BOOST_DESCRIBE_STRUCT(ParcelCollected, (), (locker, parcel))

struct ParcelReturned {
  static constexpr std::string_view kType = "ParcelReturned";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kParcelsTopic;
  static constexpr std::string_view kDescription = "Nobody came in time: the parcel goes back to its sender.";
  std::string subject() const { return parcel; }
  std::string record_key() const { return locker; }

  std::string locker;
  std::string parcel;
};
BOOST_DESCRIBE_STRUCT(ParcelReturned, (), (locker, parcel))

using Event = std::variant<ParcelStored, ParcelCollected, ParcelReturned>;

struct Stored {
  std::uint32_t compartment = 0;
  std::int64_t keep_until = 0;  ///< ms since 1970
};
BOOST_DESCRIBE_STRUCT(Stored, (), (compartment, keep_until))

using Reply = std::variant<std::monostate, Stored>;

struct Settings {
  std::uint32_t compartments = 20;
  std::int64_t keep_ms = 3 * 86'400'000;
};
BOOST_DESCRIBE_STRUCT(Settings, (), (compartments, keep_ms))

}  // namespace tidemark::schemas::lockers

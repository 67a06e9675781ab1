#pragma once
// Directory: which nodes share the log, where each is reached, and which lanes it is proposed. For who passes requests on to a
// lane's owner, or asks other nodes for what this one lacks. What it says may be old by a second or two and is never a proof of
// ownership: the node that is asked knows whether it owns the lane.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.hpp"
#include "core/base/time.hpp"

namespace tidemark::cluster {

struct Member {
  std::string node_id;
  std::string url;             ///< of its main port, as it advertises it: "http://10.0.0.1:8080"; may be empty
  bool is_self = false;
  std::vector<LaneId> lanes;   ///< proposed to it, ascending
};

/// How the group was when it was last looked at.
struct Sight {
  std::vector<Member> members;  ///< by node id; empty: it was not seen yet
  std::optional<Time> seen;     ///< by the machine's clock; nullopt: not yet
};

/// Any thread. Never asks anybody: what it says was learned before.
class Directory {
 public:
  virtual ~Directory() = default;
  virtual std::shared_ptr<const Sight> sight() const = 0;

  /// nullopt: nobody is known to be proposed the lane.
  std::optional<Member> owner_of(LaneId lane) const;
  /// All nodes but this one.
  std::vector<Member> peers() const;
};

/// Of a node that is alone and has every lane.
std::unique_ptr<Directory> make_lone_directory(std::string node_id, std::string url, std::uint32_t lanes);

/// A member as its Kafka client is named: "tidemark-<node id>@<url>". A node id has no '@'.
std::string member_name(std::string_view node_id, std::string_view url);
/// A client that is not named so is a member with that name and no url.
Member parse_member_name(std::string_view name);

}  // namespace tidemark::cluster

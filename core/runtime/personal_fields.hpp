#pragma once
// Personal<> fields of a domain's records: sealed before they are appended, opened when they are read back.

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "core/event/field_cipher.hpp"
#include "core/runtime/decision_record.hpp"
#include "core/runtime/domain.hpp"

namespace tidemark::runtime {

/// A key can neither be read nor made: nothing that needs it may be recorded.
struct KeysUnavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

///   threads   open() and open_decision() from any; the rest on the scheduler's
class PersonalFields {
 public:
  /// `cipher` is borrowed; null when the domain has no personal fields.
  PersonalFields(std::shared_ptr<const Decider> decider, event::FieldCipher* cipher) : decider_(std::move(decider)), cipher_(cipher) {}

  // Sealing. `subject`: whose data it is; nullopt leaves the JSON as it is. `key_id` is set to the key used. Throws KeysUnavailable.

  std::string seal(std::string_view type, std::string json, const std::optional<std::string>& subject, std::string_view record,
                   std::string& key_id) const;
  /// A reply names no type in its record, so it is sealed whole.
  std::string seal_reply(std::string json, const std::optional<std::string>& subject, std::string_view record, std::string& key_id) const;
  /// 32 bytes, equal for equal commands: SHA-256 of type and data, keyed when that could tell what somebody's data are.
  std::string fingerprint(const DecodedCommand& command) const;

  /// Opens the fields of a recorded event in place; those whose key was destroyed become {"erased": true}.
  Result<void> open(event::Event& event) const;
  /// The same for the command and the reply of a decision; an erased reply is {"erased": true} whole.
  Result<void> open_decision(const event::Envelope& envelope, DecisionRecord& decision) const;

  event::FieldCipher* cipher() const { return cipher_; }

 private:
  std::unique_ptr<event::SubjectSealer> sealer(std::string_view subject) const;
  std::string seal_whole(std::string_view type, std::string json, const std::optional<std::string>& subject, std::string_view record,
                         std::string& key_id) const;
  Result<std::string> opened(std::string_view type, std::string_view record, std::string_view json) const;
  Result<std::string> opened_whole(std::string_view type, std::string_view record, std::string_view json) const;

  std::shared_ptr<const Decider> decider_;
  event::FieldCipher* cipher_;
};

}  // namespace tidemark::runtime

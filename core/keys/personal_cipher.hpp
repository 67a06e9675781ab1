#pragma once
// Encrypts Personal<> fields under the data keys of their subjects (docs/formats/key-ring.md).

#include <memory>

#include "core/base/scheduler.hpp"
#include "core/event/field_cipher.hpp"
#include "core/keys/subject_keys.hpp"

namespace tidemark::keys {

/// All borrowed. `files` runs what waits for the disk, `home` is the scheduler of the node.
std::unique_ptr<event::FieldCipher> make_personal_cipher(SubjectKeys& keys, Executor& files, Executor& home);

}  // namespace tidemark::keys

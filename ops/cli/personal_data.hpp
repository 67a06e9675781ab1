#pragma once
// What a node needs when its domains hold personal data: the keys of subjects, and stores whose rows lie encrypted.

#include <memory>
#include <string>
#include <vector>

#include "core/base/scheduler.hpp"
#include "core/event/field_cipher.hpp"
#include "core/keys/key_ring.hpp"
#include "core/keys/subject_keys.hpp"
#include "core/runtime/domain.hpp"
#include "core/store/store.hpp"

namespace tidemark::cli {

struct PersonalData {
  std::unique_ptr<keys::SubjectKeys> subjects;
  std::unique_ptr<event::FieldCipher> cipher;  ///< null when no domain holds personal data
};

/// Opens both, and wraps `stores`, so that rows of domains with personal data are encrypted under `<keys>/rows.key`. When that file is not there, because somebody's key was destroyed (or never was), those stores are
/// removed and begin anew from the log: what was erased leaves the rows with them.
Result<PersonalData> open_personal_data(const std::string& keys_directory, const keys::KeyRing& ring, const std::vector<runtime::Domain>& domains,
                                        Executor& files, Executor& home,
                                        std::unique_ptr<store::StoreFactory>& stores);

/// Destroys the key of a subject and the key of all rows; gives the id of the first, nullopt when the subject has none.
/// A node that runs loses the first at once, and its rows at its next start.
Result<std::optional<std::string>> erase_subject(const std::string& keys_directory, const std::string& subject);

}  // namespace tidemark::cli

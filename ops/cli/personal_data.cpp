#include "ops/cli/personal_data.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/keys/personal_cipher.hpp"
#include "core/keys/private_file.hpp"
#include "core/keys/row_cipher.hpp"
#include "core/store/sealed_store.hpp"

namespace tidemark::cli {
namespace {

std::string rows_key_path(const std::string& keys_directory) { return keys_directory + "/rows.key"; }

/// "state/people-v1" and "projections/people.names-v3" are stores of people.
std::string domain_of_store(std::string_view name) {
  name.remove_prefix(std::min(name.size(), name.find('/') + 1));
  return std::string(name.substr(0, std::min(name.find('.'), name.rfind("-v"))));
}

Result<void> remove_stores(store::StoreFactory& stores, const std::set<std::string>& domains) {
  for (const std::string& domain : domains) {
    for (const std::string& prefix : {"state/" + domain + "-v", "projections/" + domain + "."}) {
      const auto names = stores.list(prefix);
      if (!names) return names.error();
      for (const std::string& name : *names) {
        if (auto removed = stores.remove(name); !removed) return removed;
      }
    }
  }
  return {};
}

}  // namespace

Result<PersonalData> open_personal_data(const std::string& keys_directory, const keys::KeyRing& ring, const std::vector<runtime::Domain>& domains,
                                        Executor& files, Executor& home,
                                        std::unique_ptr<store::StoreFactory>& stores) {
  std::set<std::string> personal;
  for (const auto& domain : domains) {
    if (domain.decider->has_personal()) personal.insert(domain.name);
  }
  PersonalData made;
  if (personal.empty()) return made;
  auto subjects = keys::SubjectKeys::open(keys_directory, ring, true);
  if (!subjects) return subjects.take_error();
  made.subjects = std::move(*subjects);
  made.cipher = keys::make_personal_cipher(*made.subjects, files, home);

  // Removed before the key is made: after a crash in between they are removed again.
  if (!std::filesystem::exists(rows_key_path(keys_directory))) {
    if (auto removed = remove_stores(*stores, personal); !removed) return removed.take_error();
  }
  auto secret = keys::open_secret_file(rows_key_path(keys_directory), nullptr);
  if (!secret) return secret.take_error();
  stores = store::seal_stores(std::move(stores), keys::make_row_cipher(*secret),
                              [personal = std::move(personal)](std::string_view name) { return personal.contains(domain_of_store(name)); });
  return made;
}

Result<std::optional<std::string>> erase_subject(const std::string& keys_directory, const std::string& subject) {
  auto ring = keys::open_key_ring(keys_directory, false);
  if (!ring) return ring.take_error();
  auto subjects = keys::SubjectKeys::open(keys_directory, **ring, false);
  if (!subjects && subjects.error().code == Code::unavailable) return std::optional<std::string>();
  if (!subjects) return subjects.take_error();
  auto destroyed = (*subjects)->destroy(subject);
  if (!destroyed) return destroyed;
  // Always, since a crash may have kept an earlier call from it; and after the subject's, or rows made in between would keep
  // what they read.
  if (auto removed = keys::remove_private_file(rows_key_path(keys_directory)); !removed) return removed.take_error();
  return destroyed;
}

}  // namespace tidemark::cli

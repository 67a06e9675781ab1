#include <CLI/CLI.hpp>
#include <cstdio>

#include "core/keys/jwt.hpp"
#include "core/keys/key_ring.hpp"
#include "core/keys/subject_keys.hpp"
#include "ops/cli/commands.hpp"
#include "ops/cli/installation.hpp"
#include "ops/cli/personal_data.hpp"
#include "ops/cli/setting_flags.hpp"

namespace tidemark::cli {
namespace {

std::string keys_directory(const Settings& settings) {
  return settings.is_set("keys") ? absolute_path(settings.text("keys")) : default_keys_directory(absolute_path(settings.text("data")));
}

int list(const std::string& directory) {
  const auto ring = keys::open_key_ring(directory, false);
  if (!ring.ok()) return complain(ring.error().message, kExitFailed);
  std::printf("ring %s in %s\n", (*ring)->id().c_str(), directory.c_str());
  for (const keys::KeyInfo& key : (*ring)->keys()) {
    std::printf("%-24s %-5s %s  %s\n", key.id.c_str(), key.purpose.c_str(), to_rfc3339(key.created).c_str(),
                key.destroyed ? "destroyed" : key.current ? "current" : "kept");
  }
  const auto subjects = keys::SubjectKeys::open(directory, **ring, false);
  if (!subjects.ok() && subjects.error().code == Code::unavailable) return 0;
  if (!subjects.ok()) return complain(subjects.error().message, kExitFailed);
  const auto counts = (*subjects)->count();
  if (!counts.ok()) return complain(counts.error().message, kExitFailed);
  std::printf("subjects: %llu keys, %llu destroyed, %llu damaged\n", static_cast<unsigned long long>(counts->live),
              static_cast<unsigned long long>(counts->destroyed), static_cast<unsigned long long>(counts->damaged));
  return counts->damaged == 0 ? 0 : kExitFailed;
}

int publish(const std::string& directory) {
  const auto ring = keys::open_key_ring(directory, false);
  if (!ring.ok()) return complain(ring.error().message, kExitFailed);
  std::printf("%s\n", keys::jwk_set(keys::jwt_keys(**ring)).c_str());
  return 0;
}

int rotate(const std::string& directory, const std::string& purpose) {
  const auto made = keys::rotate_key(directory, purpose);
  if (!made.ok()) return complain(made.error().message, made.error().code == Code::invalid_argument ? kExitUsage : kExitFailed);
  std::printf("%s\nA node uses it from its next start; keys before it stay valid until they are destroyed.\n", made->c_str());
  return 0;
}

int destroy(const std::string& directory, const std::string& id) {
  if (const auto destroyed = keys::destroy_key(directory, id); !destroyed.ok()) return complain(destroyed.error().message, kExitFailed);
  std::printf("%s is destroyed. A node that runs forgets it when it ends; copies of the ring (backups, other nodes) still hold it.\n", id.c_str());
  return 0;
}

int destroy_subject(const std::string& directory, const std::string& subject) {
  const auto erased = erase_subject(directory, subject);
  if (!erased.ok()) return complain(erased.error().message, kExitFailed);
  if (!erased->has_value()) return complain("there is no key of this subject; nothing personal is recorded under it", kExitFailed);
  std::printf("%s is destroyed: what was recorded under it can no longer be read.\n"
              "Restart the node, so that it builds its rows anew; backups of %s still hold the key.\n",
              (*erased)->c_str(), directory.c_str());
  return 0;
}

/// A subcommand that works on the directory of the keys.
CLI::App* add_command(CLI::App& group, Chosen& chosen, const char* name, const std::string& help, std::function<int(const std::string&)> run) {
  CLI::App* command = group.add_subcommand(name, help);
  const auto flags = std::make_shared<SettingFlags>(*command, std::vector<std::string>{"data", "keys"});
  command->callback([&chosen, flags, run = std::move(run)] {
    chosen = [flags, run] {
      int exit_code = 0;
      const auto settings = flags->load(exit_code);
      return settings ? run(keys_directory(*settings)) : exit_code;
    };
  });
  return command;
}

}  // namespace

void add_keys(CLI::App& program, Chosen& chosen) {
  CLI::App* group = program.add_subcommand("keys", "Keys of an installation: list, rotate, destroy\nExample: tidemark keys list --data ./data");
  group->require_subcommand(1);

  add_command(*group, chosen, "list", "List the keys, never their bytes\nExample: tidemark keys list --data ./data", list);

  add_command(*group, chosen, "jwks", "Print the public signing keys as a JWK Set, for those who verify tokens\n"
                                      "Example: tidemark keys jwks --data ./data", publish);

  const auto purpose = std::make_shared<std::string>("mac");
  add_command(*group, chosen, "rotate", "Make another key for a purpose; a node uses it from its next start\n"
                                        "Example: tidemark keys rotate --purpose mac --data ./data",
              [purpose](const std::string& directory) { return rotate(directory, *purpose); })
      ->add_option("--purpose", *purpose, "mac (tokens), wrap (sealed values and private blobs) or sign")
      ->capture_default_str();

  const auto id = std::make_shared<std::string>();
  add_command(*group, chosen, "destroy", "Destroy a key that is no longer current: what was made with it is lost for good\n"
                                         "Example: tidemark keys destroy mac-3c59dc048e88 --data ./data",
              [id](const std::string& directory) { return destroy(directory, *id); })
      ->add_option("id", *id, "The key, as tidemark keys list shows it")
      ->required();

  const auto subject = std::make_shared<std::string>();
  add_command(*group, chosen, "destroy-subject", "Erase somebody: destroy the key of a subject's personal data, in records and rows\n"
                                                 "Example: tidemark keys destroy-subject user-17 --data ./data",
              [subject](const std::string& directory) { return destroy_subject(directory, *subject); })
      ->add_option("subject", *subject, "Whose personal data")
      ->required();
}

}  // namespace tidemark::cli

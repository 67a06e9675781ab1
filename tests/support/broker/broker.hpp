#pragma once
// A real Kafka broker for a test: ops/kafka/start and stop, on a folder of its own. It ends with the test's process at the latest.

#include <string>

namespace tidemark::test {

class Broker {
 public:
  /// The release is $KAFKA_VERSION, or what ops/kafka/start takes by itself. Throws when it does not start.
  Broker();
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  const std::string& bootstrap() const { return bootstrap_; }
  const std::string& version() const { return version_; }
  void kill();   ///< SIGKILL
  void start();  ///< after kill(): on the same data and port
  /// One for all tests of this program.
  static Broker& shared();

 private:
  std::string data_, bootstrap_, version_;
};

/// "it-<number>." where no two of a broker's are the same: the prefix of an installation of its own.
std::string fresh_prefix();

}  // namespace tidemark::test

#include "tests/support/broker/broker.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <map>
#include <sstream>
#include <stdexcept>

namespace tidemark::test {
namespace {

std::string run(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::string out;
  std::array<char, 512> piece{};
  while (::fgets(piece.data(), piece.size(), pipe) != nullptr) out += piece.data();
  if (::pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
  return out;
}

std::map<std::string, std::string> lines_of(const std::string& text) {
  std::map<std::string, std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (const auto equals = line.find('='); equals != line.npos) out[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return out;
}

const std::string kScripts = std::string(TIDEMARK_SOURCE_DIR) + "/ops/kafka/";

}  // namespace

Broker::Broker() {
  std::string name = (std::filesystem::temp_directory_path() / "tidemark-broker-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder for a broker");
  data_ = name;
  start();
}

Broker::~Broker() {
  const int unused = ::system((kScripts + "stop --kill --remove --data " + data_).c_str());
  (void)unused;
}

void Broker::start() {
  const auto said = lines_of(run(kScripts + "start --data " + data_ + " --with " + std::to_string(::getpid())));
  bootstrap_ = said.at("bootstrap");
  version_ = said.at("version");
}

void Broker::kill() { run(kScripts + "stop --kill --data " + data_); }

Broker& Broker::shared() {
  static Broker broker;
  return broker;
}

std::string fresh_prefix() {
  static int last = 0;
  return "it-" + std::to_string(++last) + ".";
}

}  // namespace tidemark::test

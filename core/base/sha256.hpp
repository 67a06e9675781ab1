#pragma once
// SHA-256 of what comes in pieces; of bytes that are there, sha256() (ids.hpp).

#include <memory>
#include <string>
#include <string_view>

namespace tidemark {

class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  std::string finish_hex();  ///< once; lower case

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

}  // namespace tidemark

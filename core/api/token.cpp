#include "core/api/token.hpp"

#include "core/api/routes.hpp"
#include "core/base/bytes.hpp"
#include "core/base/constant_time.hpp"

namespace tidemark::api {
namespace {

constexpr std::size_t kTagBytes = 8, kEpochBytes = 16;
constexpr std::size_t kTokenCharsMax = 32 * 1024;

}  // namespace

std::string make_token(TokenKind kind, const Token& token, const runtime::PositionTag& tag) {
  std::string bytes(1, static_cast<char>(kind));
  bytes.append(token.epoch.view()).append(token.payload);
  bytes.append(tag(bytes).substr(0, kTagBytes));
  return to_base64url(bytes);
}

Result<Token> open_token(TokenKind kind, std::string_view text, const runtime::PositionTag& tag) {
  const auto malformed = [] { return make_error(Code::invalid_argument, "it is not a token of this kind"); };
  if (text.size() > kTokenCharsMax) return malformed();
  const auto bytes = from_base64url(text);
  if (!bytes || bytes->size() < 1 + kEpochBytes + kTagBytes || bytes->front() != static_cast<char>(kind)) return malformed();
  const std::string_view body = std::string_view(*bytes).substr(0, bytes->size() - kTagBytes);
  if (!same_bytes(tag(body).substr(0, kTagBytes), std::string_view(*bytes).substr(body.size()))) {
    return make_error(Code::corrupt, "it was not made by this installation");
  }
  return Token{uuid_from_bytes(body.substr(1, kEpochBytes)), std::string(body.substr(1 + kEpochBytes))};
}

http::Response refuse_token(std::string_view what, const Error& error) {
  const bool foreign = error.code == Code::corrupt;
  return problem(400, std::string(what) + (foreign ? "-foreign" : "-malformed"), foreign ? "Foreign token" : "Malformed token",
                 "The " + std::string(what) + " cannot be used: " + error.message);
}

http::Response refuse_other_log(std::string_view what) {
  return problem(409, std::string(what) + "-of-another-log", "Token of another log",
                 "The " + std::string(what) + " was given out over another log; begin anew");
}

}  // namespace tidemark::api

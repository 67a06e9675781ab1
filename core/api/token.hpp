#pragma once
// Opaque tokens of the platform's routes: what a client carries from one answer to the next request and cannot make itself
// (docs/formats/cursors.md).

#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/http/http.hpp"
#include "core/runtime/position.hpp"

namespace tidemark::api {

/// First byte of a token, so that none can be taken for another. 1 is a position token.
enum class TokenKind : unsigned char { events = 2, stream = 3 };

struct Token {
  Uuid epoch;           ///< of the log that it was made over
  std::string payload;
};

std::string make_token(TokenKind kind, const Token& token, const runtime::PositionTag& tag);
/// invalid_argument when it is none of that kind; corrupt when it looks like one and was not made with this key ring.
Result<Token> open_token(TokenKind kind, std::string_view text, const runtime::PositionTag& tag);

/// The refusal of a token: `what` is "cursor" or "position".
http::Response refuse_token(std::string_view what, const Error& error);
/// Of one that was made over another log; `what` as above.
http::Response refuse_other_log(std::string_view what);

}  // namespace tidemark::api

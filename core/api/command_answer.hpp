#pragma once
// What the outcome of a command looks like to a client.

#include <string>
#include <string_view>
#include <vector>

#include "core/event/field_error.hpp"
#include "core/http/http.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::api {

struct AnswerOptions {
  std::string subject = {};           ///< whose version becomes the ETag; empty: that of the first numbered event
  std::string pointer_prefix = {};    ///< where the command's data lies in what the client sent, "/data" in a CloudEvent
  const runtime::PositionTag* position_tag = nullptr;  ///< null: without a position, as the items of a batch
};

http::Response answer_command(const runtime::Outcome& outcome, const AnswerOptions& options);

/// 400 with every bad field.
http::Response bad_input(const std::vector<event::FieldError>& errors, std::string_view pointer_prefix = {});

}  // namespace tidemark::api

// A batch of CloudEvents on POST /commands: up to kBatchItemsMax commands, each decided as if it had come alone. All are
// handed to their lanes before the first is awaited, so that one commit can hold them; in a lane they keep their order.

#include "core/api/command_answer.hpp"
#include "core/api/command_request.hpp"
#include "core/api/routes.hpp"
#include "core/event/cloudevents.hpp"
#include "core/event/json_document.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::api {
namespace {

struct Item {
  std::optional<runtime::CommandRequest> command;
  std::vector<event::FieldError> errors;  ///< when it is none
  std::string subject;
  runtime::Outcome outcome;
};

Item make_item(std::optional<event::Event> event, std::vector<event::FieldError> errors, const std::string& traceparent) {
  Item item;
  item.errors = std::move(errors);
  if (!event) return item;
  item.subject = event->envelope.subject;
  if (event->envelope.traceparent.empty()) event->envelope.traceparent = traceparent;
  item.command = runtime::command_of(std::move(*event), item.errors);
  return item;
}

http::Response too_many() {
  return problem(413, "batch-too-large", "Batch too large", "A batch holds at most " + std::to_string(kBatchItemsMax) + " commands; nothing was recorded");
}

/// The items of a JSON array; a refusal when the body is none.
std::optional<http::Response> read_array(const std::string& body, Time now, const std::string& traceparent, std::vector<Item>& items) {
  const auto document = event::JsonDocument::parse(body);
  if (!document.ok()) return bad_input({{"", document.error().message}});
  if (!document->root().is_array()) return bad_input({{"", "must be an array of CloudEvents"}});
  for (const event::JsonNode node : document->root().items()) {
    if (items.size() == kBatchItemsMax) return too_many();
    std::vector<event::FieldError> errors;
    auto event = event::from_cloudevent(node, errors, now);
    items.push_back(make_item(std::move(event), std::move(errors), traceparent));
  }
  return std::nullopt;
}

/// The items of newline-delimited JSON. A line that is no JSON spoils its item only; empty lines are skipped.
std::optional<http::Response> read_lines(std::string_view body, Time now, const std::string& traceparent, std::vector<Item>& items) {
  while (!body.empty()) {
    std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(body.size(), line.size() + 1));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    if (items.size() == kBatchItemsMax) return too_many();
    std::vector<event::FieldError> errors;
    auto event = event::from_cloudevent(line, errors, now);
    items.push_back(make_item(std::move(event), std::move(errors), traceparent));
  }
  return std::nullopt;
}

/// An exception would end the process in a task that nobody awaits.
Task<void> execute_into(runtime::Node& node, runtime::CommandRequest command, runtime::Outcome& outcome) {
  try {
    outcome = co_await node.execute(std::move(command));
  } catch (const std::exception& error) {
    outcome = runtime::Outcome();
    outcome.error = make_error(Code::internal, error.what());
  }
}

Callback<bool> execute_all(runtime::Node& node, std::vector<Item>& items) {
  auto start = [&node, &items](Fn<void(bool)> done) {
    struct Gathering {
      std::size_t left = 1;  // the loop below counts as one, so that nothing is complete before all are started
      Fn<void(bool)> done;
    };
    const auto gathering = std::make_shared<Gathering>();
    gathering->done = std::move(done);
    const auto one_less = [gathering] {
      if (--gathering->left == 0) gathering->done(true);
    };
    for (Item& item : items) {
      if (!item.command) continue;
      ++gathering->left;
      spawn(execute_into(node, std::move(*item.command), item.outcome), one_less);
    }
    one_less();
  };
  return Callback<bool>(std::move(start));
}

/// {"status":..., "etag":..., "replayed":true, "body":{...}}: what the item would have been answered alone.
void write_item(const Item& item, event::JsonWriter& writer) {
  const http::Response response = item.command ? answer_command(item.outcome, {item.subject, "/data", nullptr}) : bad_input(item.errors);
  writer.begin_object().member("status", response.status);
  for (const auto& [name, value] : response.headers) {
    if (name == "ETag") writer.member("etag", value);
  }
  if (item.outcome.replayed) writer.member("replayed", true);
  writer.key("body").raw(std::get<std::string>(response.body)).end_object();
}

}  // namespace

Task<http::Response> command_batch(Shared services, http::Request& request) {
  for (const std::string_view header : {"Idempotency-Key", "If-Match", "If-None-Match", "Tidemark-Subject"}) {
    if (!request.header(header)) continue;
    co_return problem(400, "header-on-batch", "Header on a batch", std::string(header) + " speaks of one command, not of a batch");
  }
  const CommandForm form = form_of(request);
  auto body = co_await request.read_body(kBatchBytesMax);
  if (!body.ok()) co_return body_refusal(body.error());
  std::vector<Item> items;
  const Time now = services->node.scheduler().wall();
  const std::string traceparent(request.traceparent());
  auto refusal = form == CommandForm::batch ? read_array(*body, now, traceparent, items) : read_lines(*body, now, traceparent, items);
  if (refusal) co_return std::move(*refusal);
  auto all = execute_all(services->node, items);
  co_await std::move(all);

  runtime::Position position;
  for (const Item& item : items) position.merge(item.outcome.position);
  std::string json;
  event::JsonWriter writer(json);
  writer.begin_object().key("position");
  const std::string token = position.empty() ? std::string() : runtime::encode_position(position, services->position_tag);
  if (token.empty()) writer.null();
  else writer.value(token);
  writer.key("items").begin_array();
  for (const Item& item : items) write_item(item, writer);
  writer.end_array().end_object();
  http::Response response = http::json_response(200, std::move(json));
  if (!token.empty()) response.header("Tidemark-Position", token);
  co_return response;
}

}  // namespace tidemark::api

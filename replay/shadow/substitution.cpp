#include "replay/shadow/substitution.hpp"

#include "core/event/json_writer.hpp"
#include "core/http/multipart.hpp"
#include "replay/shadow/routes.hpp"
#include "replay/shadow/words.hpp"

namespace tidemark::shadow {
namespace {

using event::JsonNode;

constexpr event::JsonLimits kJsonLimits{.bytes = 64u << 20, .depth = 64, .replace_lone_surrogates = true};
constexpr std::size_t kPartsMax = 1000, kPartHeadBytesMax = 64u << 10;

// A body with some of its bytes replaced, from its begin to its end.
class Edited {
 public:
  explicit Edited(std::string_view original) : original_(original) {}
  void replace(std::size_t begin, std::size_t end, std::string_view with) {
    out_.append(original_.substr(copied_, begin - copied_)).append(with);
    copied_ = end;
  }
  std::string take() { return std::move(out_.append(original_.substr(copied_))); }

 private:
  const std::string_view original_;
  std::string out_;
  std::size_t copied_ = 0;
};

template <class Replaced>
void each_string(JsonNode node, Edited& edited, const Replaced& replaced) {
  if (const auto text = node.as_string()) {
    const std::string other = replaced(*text);
    if (other != *text) edited.replace(node.offset(), node.offset() + node.raw().size(), event::escape_json_string(other));
  } else if (node.is_array()) {
    for (const JsonNode item : node.items()) each_string(item, edited, replaced);
  } else if (node.is_object()) {
    for (const auto& [name, value] : node.members()) each_string(value, edited, replaced);
  }
}

JsonNode at_path(JsonNode node, std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    node = node[path.substr(0, end)];
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return node;
}

bool done_well(int status) { return status / 100 == 2; }

}  // namespace

void Substitution::learn(std::string_view primary, std::string_view shadow) {
  if (primary.empty() || shadow.empty()) return;
  if (const auto known = by_primary_.find(primary); known != by_primary_.end()) {
    known->second->shadow.assign(shadow);
    values_.splice(values_.end(), values_, known->second);
    return;
  }
  if (primary == shadow) return;
  values_.push_back({std::string(primary), std::string(shadow)});
  by_primary_.emplace(values_.back().primary, std::prev(values_.end()));
  lengths_.insert(primary.size());
  if (values_.size() <= count_max_) return;
  by_primary_.erase(values_.front().primary);
  values_.pop_front();
}

const std::string* Substitution::find(std::string_view primary) {
  const auto found = by_primary_.find(primary);
  if (found == by_primary_.end()) return nullptr;
  values_.splice(values_.end(), values_, found->second);
  return &found->second->shadow;
}

std::string Substitution::in_shadow_words(std::string_view text) {
  if (const std::string* whole = find(text)) return *whole;
  return with_words_replaced(text, lengths_, [this](std::string_view word) { return find(word); });
}

std::string Substitution::json_body(const std::string& body) {
  const auto document = event::JsonDocument::parse(body, kJsonLimits);
  if (!document.ok()) return body;
  Edited edited(body);
  each_string(document->root(), edited, [this](std::string_view text) { return in_shadow_words(text); });
  return edited.take();
}

std::string Substitution::form_body(const std::string& body, const std::string& boundary) {
  using Event = http::MultipartParser::Event;
  http::MultipartParser parser(boundary, kPartsMax, kPartHeadBytesMax);
  parser.feed(body);
  Edited edited(body);
  const char* begin = nullptr;  // of the text of this part; fed in one piece, its data follow each other
  const char* end = nullptr;
  for (Event event = parser.next(); event != Event::need_more && event != Event::failed; event = parser.next()) {
    if (event == Event::part_begin) begin = end = nullptr;
    if (event == Event::data) {
      if (!begin) begin = parser.data().data();
      end = parser.data().data() + parser.data().size();
    }
    if (event != Event::part_end || parser.part().is_file || !begin) continue;
    const std::string_view text(begin, static_cast<std::size_t>(end - begin));
    const std::string other = in_shadow_words(text);
    if (other != text) edited.replace(static_cast<std::size_t>(begin - body.data()), static_cast<std::size_t>(end - body.data()), other);
  }
  return edited.take();
}

Request Substitution::in_shadow_words(const Request& request) {
  Request out;
  out.method = request.method;
  out.target = in_shadow_words(std::string_view(request.target));
  for (const auto& [name, value] : request.headers) {
    out.headers.emplace_back(name, name == "content-type" ? value : in_shadow_words(std::string_view(value)));
  }
  out.body = request.body;
  const auto boundary = http::multipart_boundary(request.header("content-type").value_or(""));
  if (boundary) out.body.bytes = form_body(request.body.bytes, *boundary);
  else if (!request.body.bytes.empty()) out.body.bytes = json_body(request.body.bytes);
  return out;
}

void learn_generated(const Rules& rules, const Pair& pair, Substitution& table) {
  if (!pair.shadow || !done_well(pair.primary.status) || !done_well(pair.shadow->status)) return;
  std::vector<std::string_view> values;
  const Route* route = find_route(rules.routes(), pair.request, values);
  if (!route) return;
  const auto primary = json_of(pair.primary), shadow = json_of(*pair.shadow);
  if (!primary || !shadow) return;
  for (const IdentityPlace& place : rules.generated()) {
    if (place.method != route->method || place.path != route->path) continue;
    const auto ours = at_path(primary->root(), place.member).as_string(), theirs = at_path(shadow->root(), place.member).as_string();
    if (ours && theirs) table.learn(*ours, *theirs);
  }
}

std::string_view shown_api_key(const Rules& rules, const Pair& pair) {
  const ApiKeyPlace place = rules.api_key();
  if (place.header.empty() || !done_well(pair.primary.status)) return {};
  const auto key = pair.request.header(place.header);
  std::vector<std::string_view> values;
  if (!key || key->empty() || !find_route(place.routes, pair.request, values)) return {};
  return *key;
}

}  // namespace tidemark::shadow

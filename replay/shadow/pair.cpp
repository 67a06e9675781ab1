#include "replay/shadow/pair.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"
#include "core/event/json_document.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::shadow {
namespace {

using event::JsonNode;

// Throughout: an empty text is success, anything else says what is wrong.
std::string wrong(std::string_view pointer, std::string_view expected) { return std::string(pointer) + ": expected " + std::string(expected); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string read_headers(JsonNode node, const std::string& pointer, Message& out) {
  if (!node || node.is_null()) return {};
  if (!node.is_object()) return wrong(pointer, "an object of header names");
  for (const auto& [name, value] : node.members()) {
    if (const auto text = value.as_string()) {
      out.headers.emplace_back(lower(name), *text);
    } else if (value.is_array()) {
      for (const JsonNode item : value.items()) {
        const auto one = item.as_string();
        if (!one) return wrong(pointer + "/" + std::string(name), "a string or an array of strings");
        out.headers.emplace_back(lower(name), *one);
      }
    } else {
      return wrong(pointer + "/" + std::string(name), "a string or an array of strings");
    }
  }
  return {};
}

std::string read_hashed(JsonNode node, const std::string& pointer, Body& out) {
  const auto sha256 = node["sha256"].as_string();
  const auto size = node["size"].as_uint64();
  if (!sha256 || sha256->size() != 64 || !from_hex(*sha256)) return wrong(pointer + "/sha256", "64 hexadecimal digits");
  if (!size) return wrong(pointer + "/size", "a number of bytes");
  out.hashed = true;
  out.sha256 = lower(*sha256);
  out.size = *size;
  return {};
}

std::string read_body(JsonNode node, const std::string& pointer, Body& out) {
  if (!node || node.is_null()) return {};
  if (!node.is_object()) return wrong(pointer, "null or an object with text, base64, or sha256 and size");
  for (const auto& [name, value] : node.members()) {
    if (name != "text" && name != "base64" && name != "sha256" && name != "size") return pointer + "/" + std::string(name) + ": unknown member";
  }
  if (node["sha256"] || node["size"]) {
    if (node["text"] || node["base64"]) return wrong(pointer, "one of text, base64, sha256 with size");
    return read_hashed(node, pointer, out);
  }
  if (node["text"] && node["base64"]) return wrong(pointer, "one of text, base64, sha256 with size");
  if (node["text"]) {
    const auto text = node["text"].as_string();
    if (!text) return wrong(pointer + "/text", "a string");
    out.bytes.assign(*text);
    return {};
  }
  const auto base64 = node["base64"].as_string();
  auto bytes = base64 ? from_base64(*base64) : std::nullopt;
  if (!bytes) return wrong(pointer + "/base64", "base64 with padding");
  out.bytes = std::move(*bytes);
  return {};
}

std::string read_request(JsonNode node, Request& out) {
  if (!node.is_object()) return wrong("/request", "an object");
  const auto method = node["method"].as_string(), target = node["target"].as_string();
  if (!method || method->empty()) return wrong("/request/method", "a string");
  if (!target || target->empty()) return wrong("/request/target", "a string");
  out.method.assign(*method);
  out.target.assign(*target);
  if (auto fault = read_headers(node["headers"], "/request/headers", out); !fault.empty()) return fault;
  return read_body(node["body"], "/request/body", out.body);
}

std::string read_response(JsonNode node, const std::string& pointer, Response& out) {
  if (!node.is_object()) return wrong(pointer, "an object");
  const auto status = node["status"].as_int64();
  if (!status || *status < 100 || *status > 599) return wrong(pointer + "/status", "a status from 100 to 599");
  out.status = static_cast<int>(*status);
  if (auto fault = read_headers(node["headers"], pointer + "/headers", out); !fault.empty()) return fault;
  return read_body(node["body"], pointer + "/body", out.body);
}

std::string read_pair(JsonNode root, Pair& out) {
  if (!root.is_object()) return wrong("", "an object with request, primary and shadow");
  if (auto fault = read_request(root["request"], out.request); !fault.empty()) return fault;
  if (auto fault = read_response(root["primary"], "/primary", out.primary); !fault.empty()) return fault;
  if (const JsonNode reason = root["not_replayed"]; reason && !reason.is_null()) {
    const auto text = reason.as_string();
    if (!text || text->empty()) return wrong("/not_replayed", "a reason");
    out.not_replayed.assign(*text);
  }
  if (!root["shadow"] || root["shadow"].is_null()) return {};
  return read_response(root["shadow"], "/shadow", out.shadow.emplace());
}

void write_message(event::JsonWriter& json, const Message& message) {
  json.key("headers").begin_object();
  for (std::size_t i = 0; i < message.headers.size(); ++i) {
    const std::string& name = message.headers[i].first;
    const auto same = [&](const auto& header) { return header.first == name; };
    const auto begin = message.headers.begin(), here = begin + static_cast<std::ptrdiff_t>(i);
    if (std::any_of(begin, here, same)) continue;
    if (std::count_if(here, message.headers.end(), same) == 1) {
      json.member(name, message.headers[i].second);
      continue;
    }
    json.key(name).begin_array();
    for (auto each = here; each != message.headers.end(); ++each) {
      if (each->first == name) json.value(each->second);
    }
    json.end_array();
  }
  json.end_object().key("body");
  const Body& body = message.body;
  if (body.hashed) {
    json.begin_object().member("sha256", body.sha256).member("size", body.size).end_object();
  } else if (body.bytes.empty()) {
    json.null();
  } else if (is_utf8(body.bytes)) {
    json.begin_object().member("text", body.bytes).end_object();
  } else {
    json.begin_object().member("base64", to_base64(body.bytes)).end_object();
  }
}

void write_response(event::JsonWriter& json, std::string_view name, const Response& response) {
  json.key(name).begin_object().member("status", response.status);
  write_message(json, response);
  json.end_object();
}

}  // namespace

std::string Body::digest() const { return hashed ? sha256 : to_hex(tidemark::sha256(bytes)); }

std::optional<std::string_view> Message::header(std::string_view name) const {
  for (const auto& [here, value] : headers) {
    if (here == name) return value;
  }
  return std::nullopt;
}

Result<Pair> parse_pair(std::string_view line) {
  const event::JsonLimits limits{.bytes = 1u << 30, .depth = 64, .replace_lone_surrogates = true};
  const auto document = event::JsonDocument::parse(line, limits);
  if (!document.ok()) return document.error();
  Pair pair;
  if (auto fault = read_pair(document->root(), pair); !fault.empty()) return make_error(Code::invalid_argument, std::move(fault));
  return pair;
}

void write_pair(const Pair& pair, std::string& out) {
  event::JsonWriter json(out);
  json.begin_object().key("request").begin_object().member("method", pair.request.method).member("target", pair.request.target);
  write_message(json, pair.request);
  json.end_object();
  write_response(json, "primary", pair.primary);
  if (pair.shadow) write_response(json, "shadow", *pair.shadow);
  if (!pair.not_replayed.empty()) json.member("not_replayed", pair.not_replayed);
  json.end_object();
  out.push_back('\n');
}

}  // namespace tidemark::shadow

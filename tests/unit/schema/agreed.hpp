#pragma once
// A contract agreed earlier, for tests that edit it: a bundle and an OpenAPI document as they are exported.

#include <string>
#include <string_view>

namespace tidemark::schema {

inline constexpr std::string_view kAgreedBundle = R"({"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"urn:shop","title":"Shop","x-domain":"shop",
"x-topics":[{"name":"shop.orders","class":"fact"},{"name":"shop.pings","class":"ephemeral","retention_ms":86400000}],
"x-messages":[
{"kind":"command","name":"Place","version":1,"current":true,"schema":{"$ref":"#/$defs/Place.v1"}},
{"kind":"event","name":"Placed","version":2,"current":true,"topic":"shop.orders","schema":{"$ref":"#/$defs/Placed.v2"}},
{"kind":"event","name":"Placed","version":1,"current":false,"topic":"shop.orders","schema":{"$ref":"#/$defs/Placed.v1"}},
{"kind":"event","name":"Pinged","version":1,"current":true,"topic":"shop.pings","schema":{"$ref":"#/$defs/Pinged.v1"}},
{"kind":"reply","name":"Receipt","version":1,"current":true,"schema":{"$ref":"#/$defs/Receipt"}},
{"kind":"settings","name":"Settings","version":1,"current":true,"schema":{"$ref":"#/$defs/Settings"}}],
"$defs":{
"Line":{"type":"object","properties":{"item":{"type":"string"},"count":{"type":"integer","minimum":1,"maximum":12}},"required":["item","count"]},
"Place.v1":{"type":"object","description":"Orders something","properties":{
 "id":{"type":"string","minLength":1,"maxLength":64,"x-bytes":{"min":2,"max":64}},
 "colour":{"type":"string","enum":["red","green"]},
 "quantity":{"type":"integer","minimum":1,"maximum":10},
 "price":{"type":"number"},
 "note":{"type":"string"},
 "ordered_at":{"type":"string","format":"date-time"},
 "hash":{"type":"string","pattern":"^[0-9a-f]+$"},
 "lines":{"type":"array","items":{"$ref":"#/$defs/Line"}},
 "labels":{"type":"object","additionalProperties":{"type":"string","maxLength":9}},
 "extra":{"description":"Any JSON value, kept byte for byte"},
 "weight":{"type":["integer","null"]}},
 "required":["id","colour","quantity","price","ordered_at","hash","lines","labels"],"additionalProperties":false,
 "x-dropped":{"coupon":{"type":"string"}}},
"Placed.v1":{"type":"object","properties":{"order":{"type":"string"}},"required":["order"]},
"Placed.v2":{"type":"object","properties":{
 "order_id":{"type":"string"},
 "shade":{"type":"string","enum":["dark","light"]},
 "total":{"type":"integer","minimum":0,"maximum":1000},
 "remark":{"type":"string"},
 "buyer":{"type":"object","x-personal":true,"oneOf":[{"properties":{"plain":{"type":"string"}},"required":["plain"]},{"properties":{"erased":{"const":true}},"required":["erased"]}]},
 "body":{"$ref":"#/$defs/Line"}},
 "required":["order_id","shade","total","buyer","body"]},
"Pinged.v1":{"type":"object","properties":{"seen":{"type":"boolean"}},"required":["seen"],"x-dropped":{"speed":{"type":"integer","minimum":0,"maximum":9}}},
"Receipt":{"type":"object","properties":{
 "number":{"type":"string","maxLength":20},
 "state":{"type":"string","enum":["open","closed"]},
 "fee":{"type":"integer","minimum":0,"maximum":100},
 "hint":{"type":"string"}},
 "required":["number","state","fee"]},
"Settings":{"type":"object","properties":{"limit":{"type":"integer","minimum":0,"maximum":50},"grace":{"type":"integer"}},"required":["limit","grace"]}}})";

inline constexpr std::string_view kAgreedRoutes = R"({"openapi":"3.1.0","info":{"title":"Shop","version":"1"},"paths":{
"/orders":{
"get":{"parameters":[{"name":"limit","in":"query","schema":{"type":"integer","minimum":1,"maximum":100}},{"name":"X-Tenant","in":"header","required":true,"schema":{"type":"string"}}],
"responses":{"200":{"description":"Orders","headers":{"ETag":{"schema":{"type":"string"}}},"content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Order"}}}}},
"404":{"description":"None","content":{"application/problem+json":{"schema":{"type":"object"}}}}},"security":[{"key":[]},{"token":[]}]},
"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"item":{"type":"string"},"size":{"type":"string","enum":["s","m"]}},"required":["item"]}},"multipart/form-data":{}}},
"responses":{"201":{"description":"Made","content":{"application/json":{"schema":{"type":"object"}}}}},"security":[{"key":[]}]}},
"/orders/{id}":{"get":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],"responses":{"200":{"description":"One","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}}}},"security":[]}}},
"components":{"schemas":{"Order":{"type":"object","properties":{"number":{"type":"integer"},"status":{"type":"string","enum":["new","sent"]},"memo":{"type":["string","null"]}},"required":["number","status"]}}}})";

/// `text` with the only `found` in it replaced; empty when there is not exactly one.
inline std::string edited(std::string_view text, std::string_view found, std::string_view replacement) {
  const auto at = text.find(found);
  if (at == std::string_view::npos || text.find(found, at + 1) != std::string_view::npos) return {};
  std::string out(text);
  return out.replace(at, found.size(), replacement);
}

}  // namespace tidemark::schema

#pragma once
// Whether what was agreed before still holds: an earlier export compared with this one. What was written by the earlier side
// must be read now (closed writer, open reader), and those who read answers and events must find what they relied on.
// The rules are in docs/formats/schemas.md.

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/schema/parsed_bundle.hpp"

namespace tidemark::schema {

struct Change {
  bool breaking = false;
  std::string place;  ///< "event BuildSubmitted.v1 /source/size", "GET /builds/api/builds"
  std::string what;   ///< a sentence without a full stop
};
using Changes = std::vector<Change>;

/// Who writes and who reads.
enum class Use {
  request,   ///< clients write, this reads strictly
  settings,  ///< recorded earlier, read tolerantly now
  record,    ///< recorded earlier, read now and by others: both sides
  answer,    ///< this writes, clients read
};

/// Appends the differences of two schemas. Definitions of each side are looked up in its table.
void compare_schemas(const ParsedSchema& earlier, const SchemaTable& earlier_table, const ParsedSchema& present,
                     const SchemaTable& present_table, Use use, const std::string& place, Changes& out);

Changes compare_bundles(const ParsedBundle& earlier, const ParsedBundle& present);

/// Of two OpenAPI documents.
///   errors  corrupt: one of them is not a document as it is exported; the message begins with the place
Result<Changes> compare_openapi(std::string_view earlier, std::string_view present);

}  // namespace tidemark::schema

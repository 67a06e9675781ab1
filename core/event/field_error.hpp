#pragma once
#include <string>
#include <vector>

namespace tidemark::event {

/// One bad field of a document.
struct FieldError {
  std::string pointer;  ///< RFC 6901 JSON Pointer, "" for the document
  std::string message;  ///< what was expected, for a person
};

}  // namespace tidemark::event

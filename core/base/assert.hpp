#pragma once
// TM_ASSERT: a bug stops the process, in release builds too. Never used for input or for the disk.

namespace tidemark {
[[noreturn]] void assertion_failed(const char* expression, const char* why, const char* file, int line);
}

#define TM_ASSERT(condition, why) \
  (static_cast<bool>(condition) ? void(0) : ::tidemark::assertion_failed(#condition, why, __FILE__, __LINE__))

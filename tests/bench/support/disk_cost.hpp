#pragma once
#include <string>

namespace tidemark::bench {

/// Median microseconds of a 64 KiB write and fdatasync in a zero-filled file in `directory`.
double fdatasync_us(const std::string& directory);

}  // namespace tidemark::bench

#pragma once
// What the operating system knows of this process and of the disk under its data, read at each exposition.

#include <string>

#include "core/observe/metrics_registry.hpp"

namespace tidemark::observe {

/// Registers the conventional process_* metrics, tidemark_build_info, and space of the file system that holds `data`.
void watch_process(MetricsRegistry& registry, std::string version, std::string data);

}  // namespace tidemark::observe

#pragma once
// Where every partition begins and ends, as its records say it.

#include "core/log/kafka/installation.hpp"
#include "core/log/kafka/shared.hpp"

namespace tidemark::log::kafka {

/// Reads the first and the last record of every lane of these topics into the view. Waits for the brokers, many at once.
Result<void> find_bounds(Shared& shared, const std::vector<Topic>& topics, const Origins& origins);

}  // namespace tidemark::log::kafka

#pragma once
// `tidemark topics create | check | explain`: the topics of a log on Kafka.

#include "ops/cli/commands.hpp"

namespace tidemark::cli {

void add_kafka_topics(CLI::App& group, Chosen& chosen);

}  // namespace tidemark::cli

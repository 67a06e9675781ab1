#include "core/runtime/event_run.hpp"

namespace tidemark::runtime {

std::string place_of(const std::string& topic, LaneId lane, Tmseq at) {
  return topic + " lane " + std::to_string(lane.value) + " tmseq " + std::to_string(at.value);
}

Result<void> PartitionEvents::read(Tmseq from, EventRun& run) const {
  run.count = 0;
  auto batches = log->read(topic, lane, from, read_bytes);
  if (!batches) return batches.take_error();
  const auto failed = [this](const Error& error, Tmseq at) { return make_error(error.code, place_of(topic_name, lane, at) + ": " + error.message); };
  for (const auto& stored : *batches) {
    auto reader = log::RecordBatchReader::open(stored.view());
    if (!reader) return reader.take_error();
    Tmseq at = stored.first;
    for (; !reader->done(); at = at.next()) {
      auto record = reader->next();
      if (!record) return record.take_error();
      const Tmseq wanted{from.value + run.count};
      if (at < wanted) continue;
      if (run.count == run.events.size()) run.events.emplace_back();
      event::Event& event = run.events[run.count];
      if (auto decoded = event::decode_record(*record, event); !decoded) return failed(decoded.error(), at);
      if (personal) {
        if (auto opened = personal->open(event); !opened) return failed(opened.error(), at);
      }
      const auto said = event.envelope.tmseq;
      if (at != wanted || !said || *said != at) {
        return make_error(Code::corrupt, place_of(topic_name, lane, wanted) + ": the log has a gap, a repeat or a fork here (found " +
                                             (said ? std::to_string(said->value) : std::string("no tmseq")) + ")");
      }
      ++run.count;
    }
  }
  return {};
}

}  // namespace tidemark::runtime

#pragma once
// Signs of life in the owner's memory: what is kept between the marks that are recorded.

#include "commands/builds/queries.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::commands::builds::endpoint {

/// An authenticated call for this build by its worker: a sign of life of both. Of a build that is over only of the worker.
inline void note_life(const runtime::OwnerView& view, const BuildRow& build) {
  const auto now = to_ms(view.now);
  if (schemas::builds::is_active(build.status)) view.memory.set(seen_key(build.id), now);
  if (!build.worker_id.empty()) view.memory.set(contact_key(build.worker_id), now);
}

/// The build has ended: nobody asks when it was last seen. (When its VM token was used last counts on: it outlives the end.)
inline void forget_life(const runtime::OwnerView& view, std::string_view build_id) {
  view.memory.erase(seen_key(build_id));
  view.memory.erase(mark_key(build_id));
}

/// The worker was in contact, which says nothing about its build.
inline void note_contact(const runtime::OwnerView& view, std::string_view worker_id) {
  view.memory.set(contact_key(worker_id), to_ms(view.now));
}

}  // namespace tidemark::commands::builds::endpoint

#pragma once
// Requests about a lane that another node owns are passed on to that node, so that a client may ask any.

#include <memory>
#include <string>

#include "core/cluster/directory.hpp"
#include "core/http/http.hpp"
#include "core/http/relay/relay.hpp"
#include "core/runtime/node.hpp"
#include "ops/cli/domain_registration.hpp"

namespace tidemark::cli {

/// Everything borrowed; outlives the surfaces.
struct RelayPlace {
  runtime::Node& node;
  http::Relay& relay;
  const cluster::Directory& directory;
};

/// The surface, with each route that asks an owner (DomainInstance::boundary()) answered by whoever that is. A request that was
/// passed on to this node is not passed on again.
http::Surface relayed(http::Surface surface, std::string domain, const DomainInstance& instance, std::shared_ptr<const RelayPlace> place);

}  // namespace tidemark::cli

#pragma once
// What other nodes of the installation ask of this node's blob store, over the main port:
//
//   PUT /cluster/blobs/:sha256          takes a copy: 201 when it is on the disk, with a proof of that
//   GET /cluster/blobs/:sha256?size=n   gives one
//   PUT, GET /cluster/private-blobs/:name   the same of private files, as they lie on the disk, encrypted
//   POST /cluster/held-blobs            says which files are here (held.hpp)
//
// Each with a node key (node_key.hpp), else 401. Only what is here is given: a node that is asked asks nobody. A PUT with `?again` is of
// a file that was stored before: it is taken only when this node itself knows the file to be needed (409 else), so that no file
// comes back whose use has ended, and it replaces no private file.

#include <cstdint>
#include <vector>

#include "core/blob/blob_store.hpp"
#include "core/blob/uses.hpp"
#include "core/cluster/blobs/node_key.hpp"
#include "core/http/http.hpp"

namespace tidemark::cluster {

struct BlobRoutesOptions {
  std::uint64_t bytes_max = 1ull << 40;         ///< of a copy that is taken
  std::uint64_t private_bytes_max = 1u << 30;
};

/// Routes for the platform's surface. Store (as make_blob_store() made it), key and uses outlive them.
std::vector<http::Route> blob_routes(blob::BlobStore& local, NodeKey& key, const blob::FileUses& uses, BlobRoutesOptions options = {});

}  // namespace tidemark::cluster

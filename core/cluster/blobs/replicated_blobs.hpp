#pragma once
// A blob store whose files are on two nodes before their commit succeeds, and which finds what other nodes have.
//
// commit(), commit_private() and copy_private() store here, then give a copy to one other node (PeerCopies::give, which waits for
// silent nodes to leave the group); when none of those there are takes it they fail with `unavailable`, and what is here is left to
// the collection. What is asked for and not here
// (or, where the content is verified, damaged here) is fetched first. Collection is each node's own, by what it reads of the log.

#include <memory>

#include "core/blob/blob_store.hpp"
#include "core/cluster/blobs/peer_copies.hpp"

namespace tidemark::cluster {

/// Both outlive it; `local` is as make_blob_store() made it.
std::unique_ptr<blob::BlobStore> make_replicated_blobs(blob::BlobStore& local, PeerCopies& copies);

}  // namespace tidemark::cluster

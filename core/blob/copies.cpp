#include "core/blob/copies.hpp"

namespace tidemark::blob {

CopySource& copy_source(BlobStore& store) {
  auto* source = dynamic_cast<CopySource*>(&store);
  TM_ASSERT(source != nullptr, "the store was made by make_blob_store()");
  return *source;
}

}  // namespace tidemark::blob

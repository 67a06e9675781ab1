#pragma once
// What the blob store counts. Home scheduler.

#include <cstdint>

#include "core/base/error.hpp"
#include "core/base/metrics.hpp"

namespace tidemark::blob {

class BlobMetrics {
 public:
  explicit BlobMetrics(metrics::Registry* registry)
      : stored_(registry, {"tidemark_blob_stored_total", "Uploads committed"}),
        stored_bytes_(registry, {"tidemark_blob_stored_bytes_total", "Content of uploads committed"}),
        removed_(registry, {"tidemark_blob_collected_total", "Blobs removed because nothing refers to them"}),
        passes_public_(registry, passes_over("public")),
        passes_private_(registry, passes_over("private")),
        disk_full_(registry, {"tidemark_blob_disk_full_total", "Uploads given up because the disk was full"}),
        damaged_(registry, {"tidemark_blob_damaged_total", "Reads of a blob that is not what was stored"}),
        missing_(registry, {"tidemark_blob_missing_total", "Reads of a blob that is referred to and not there"}) {}

  void stored(std::uint64_t bytes) const {
    stored_.add();
    stored_bytes_.add(static_cast<double>(bytes));
  }
  void collected(std::uint64_t blobs) const { removed_.add(static_cast<double>(blobs)); }
  /// A collection has looked at every file of its kind.
  void passed_public() const { passes_public_.add(); }
  void passed_private() const { passes_private_.add(); }
  void disk_full() const { disk_full_.add(); }
  void damaged() const { damaged_.add(); }
  /// Counts a damaged or missing blob when that is what the reading found.
  void read_failed(const Error& error) const {
    if (error.code == Code::corrupt) damaged_.add();
    else if (error.code == Code::not_found) missing_.add();
  }

 private:
  static metrics::Description passes_over(const char* files) {
    return {"tidemark_blob_collections_total", "Passes over all files that looked for what nothing refers to", {{"files", files}}};
  }
  metrics::Counter stored_, stored_bytes_, removed_, passes_public_, passes_private_, disk_full_, damaged_, missing_;
};

}  // namespace tidemark::blob

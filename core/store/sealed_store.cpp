#include "core/store/sealed_store.hpp"

namespace tidemark::store {
namespace {

std::string opened(const RowCipher& cipher, std::string_view key, std::string_view sealed) {
  auto value = cipher.open(key, sealed);
  if (!value) throw RowsUnavailable("a sealed row does not open: it was changed, or its key was destroyed");
  return std::move(*value);
}

/// Opens what another reader reads.
class OpeningReader final : public RowReader {
 public:
  OpeningReader(const RowReader& base, std::shared_ptr<const RowCipher> cipher) : base_(&base), cipher_(std::move(cipher)) {}
  OpeningReader(std::unique_ptr<RowReader> base, std::shared_ptr<const RowCipher> cipher)
      : owned_(std::move(base)), base_(owned_.get()), cipher_(std::move(cipher)) {}

  bool get(std::string_view key, std::string& value) const override {
    if (!base_->get(key, value)) return false;
    value = opened(*cipher_, key, value);
    return true;
  }
  void scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override {
    base_->scan(from, to, [&](std::string_view key, std::string_view value) { return visit(key, opened(*cipher_, key, value)); });
  }
  void scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override {
    base_->scan_back(from, to, [&](std::string_view key, std::string_view value) { return visit(key, opened(*cipher_, key, value)); });
  }

 private:
  std::unique_ptr<RowReader> owned_;
  const RowReader* base_;
  std::shared_ptr<const RowCipher> cipher_;
};

class SealedStore final : public Store {
 public:
  SealedStore(std::unique_ptr<Store> base, std::shared_ptr<const RowCipher> cipher)
      : base_(std::move(base)), cipher_(std::move(cipher)), rows_(*base_, cipher_) {}

  bool get(std::string_view key, std::string& value) const override { return rows_.get(key, value); }
  void scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override {
    rows_.scan(from, to, visit);
  }
  void scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override {
    rows_.scan_back(from, to, visit);
  }
  Result<void> write(const Overlay& changes, const Checkpoints& checkpoints) override {
    Overlay sealed(static_cast<const RowReader&>(*base_));
    for (const auto& [key, value] : changes.changes()) {
      if (value) sealed.put(key, cipher_->seal(key, *value));
      else sealed.erase(key);
    }
    return base_->write(sealed, checkpoints);
  }
  Result<void> ingest(std::span<const SortedRow> rows, const Checkpoints& checkpoints) override {
    std::vector<std::string> values;
    values.reserve(rows.size());  // never grows below: the rows borrow from it
    std::vector<SortedRow> sealed(rows.begin(), rows.end());
    for (SortedRow& row : sealed) {
      if (row.value) row.value = values.emplace_back(cipher_->seal(row.key, *row.value));
    }
    return base_->ingest(sealed, checkpoints);
  }
  Result<std::map<CheckpointKey, Checkpoint>> checkpoints() const override { return base_->checkpoints(); }
  Result<void> flush() override { return base_->flush(); }
  std::uint64_t unflushed_bytes() const override { return base_->unflushed_bytes(); }
  std::unique_ptr<RowReader> snapshot() const override { return std::make_unique<OpeningReader>(base_->snapshot(), cipher_); }
  Result<void> clear() override { return base_->clear(); }

 private:
  std::unique_ptr<Store> base_;
  std::shared_ptr<const RowCipher> cipher_;
  OpeningReader rows_;
};

class SealingFactory final : public StoreFactory {
 public:
  SealingFactory(std::unique_ptr<StoreFactory> base, std::shared_ptr<const RowCipher> cipher, std::function<bool(std::string_view)> personal)
      : base_(std::move(base)), cipher_(std::move(cipher)), personal_(std::move(personal)) {}
  Result<std::unique_ptr<Store>> open(const std::string& name) override {
    auto store = base_->open(name);
    if (!store || !personal_(name)) return store;
    return seal_rows(std::move(*store), cipher_);
  }
  Result<std::vector<std::string>> list(const std::string& prefix) override { return base_->list(prefix); }
  Result<void> remove(const std::string& name) override { return base_->remove(name); }

 private:
  std::unique_ptr<StoreFactory> base_;
  std::shared_ptr<const RowCipher> cipher_;
  std::function<bool(std::string_view)> personal_;
};

}  // namespace

std::unique_ptr<Store> seal_rows(std::unique_ptr<Store> base, std::shared_ptr<const RowCipher> cipher) {
  return std::make_unique<SealedStore>(std::move(base), std::move(cipher));
}

std::unique_ptr<StoreFactory> seal_stores(std::unique_ptr<StoreFactory> base, std::shared_ptr<const RowCipher> cipher,
                                          std::function<bool(std::string_view name)> personal) {
  return std::make_unique<SealingFactory>(std::move(base), std::move(cipher), std::move(personal));
}

}  // namespace tidemark::store

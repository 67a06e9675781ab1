#pragma once
// Rows that lie encrypted on disk: for stores of domains with personal data. Keys of rows stay as they are (a Personal<> is
// never a key), so order and scans do.

#include <functional>
#include <memory>
#include <string_view>

#include "core/base/row_cipher.hpp"
#include "core/store/store.hpp"

namespace tidemark::store {

/// A row that does not open throws RowsUnavailable.
std::unique_ptr<Store> seal_rows(std::unique_ptr<Store> base, std::shared_ptr<const RowCipher> cipher);

/// Opens the stores of `base`, sealing those whose name `personal` picks.
std::unique_ptr<StoreFactory> seal_stores(std::unique_ptr<StoreFactory> base, std::shared_ptr<const RowCipher> cipher,
                                          std::function<bool(std::string_view name)> personal);

}  // namespace tidemark::store

#pragma once
// The surfaces that the integration tests serve.

#include <vector>

#include "core/http/http.hpp"

namespace tidemark::http::testing {

/// The platform ("") and "shop", whose errors are {"error":"<detail>"} in text/x-shop, with CORS.
std::vector<Surface> test_surfaces();

}  // namespace tidemark::http::testing

#pragma once
// The contract of the builds domain in one include.

#include "schemas/builds/commands.hpp"
#include "schemas/builds/events.hpp"
#include "schemas/builds/ids.hpp"
#include "schemas/builds/import_commands.hpp"
#include "schemas/builds/import_events.hpp"
#include "schemas/builds/refusals.hpp"
#include "schemas/builds/replies.hpp"
#include "schemas/builds/samples.hpp"
#include "schemas/builds/settings.hpp"
#include "schemas/builds/topics.hpp"
#include "schemas/builds/types.hpp"

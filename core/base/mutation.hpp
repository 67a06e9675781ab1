#pragma once
// Bugs planted on purpose, to prove that the simulation finds such (docs/simulation.md). They exist only in tidemark-sim-mutants,
// whose sources are compiled with TIDEMARK_MUTANTS; everywhere else TM_MUTANT(name) is the constant false.

#ifdef TIDEMARK_MUTANTS
#include <string>
namespace tidemark {
inline std::string chosen_mutant;  ///< set before anything runs; "": none
}
#define TM_MUTANT(name) (::tidemark::chosen_mutant == #name)
#else
#define TM_MUTANT(name) false
#endif

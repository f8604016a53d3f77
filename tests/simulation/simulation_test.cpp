#include "tests/simulation/simulation.hpp"

#include <gtest/gtest.h>
TEST(SimulationTest, Placeholder) {}

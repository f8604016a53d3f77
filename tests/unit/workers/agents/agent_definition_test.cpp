#include "workers/agents/agent_definition.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "workers/engines/child_process.hpp"
#include "workers/engines/exec_engine.hpp"

namespace drover::workers {
namespace {

namespace fs = std::filesystem;

// A folder of its own, with config/agents in it.
class AgentDefinitionTest : public ::testing::Test {
 protected:
  AgentDefinitionTest() {
    std::string pattern = ::testing::TempDir() + "drover_agents_XXXXXX";
    root = mkdtemp(pattern.data());
    fs::create_directories(root / "config/agents");
  }
  ~AgentDefinitionTest() override { fs::remove_all(root); }

  std::string write(const std::string& path, const std::string& text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
    return (root / path).string();
  }

  // What is wrong with this text of a definition, without the file's name.
  std::string fault(const std::string& text) {
    const auto file = write("config/agents/x.yaml", text);
    const auto agent = read_agent(file, {});
    if (agent) return "nothing";
    std::string message = agent.error().message;
    for (auto at = message.find(file); at != std::string::npos; at = message.find(file)) {
      message.replace(at, file.size(), "x");
    }
    return message;
  }

  fs::path root;
  const std::string least = "name: a\ntask_types: [t]\nengine: exec\ncommand: [cat]\n";
};

TEST_F(AgentDefinitionTest, EveryKeyIsRead) {
  const auto file = write("config/agents/x.yaml", R"(
name: reviewer
agent_type: analysis
description: Looks.
task_types: [code.review, code.lint]
capabilities: [cpp]
requires: [sh]
engine: exec
command: [sh, -c, "echo 1"]
input: none
output: lines
timeout: 1m30s
memory_max: 1GiB
output_max: 64KiB
exit_codes: {fatal: [3], retryable: [64]}
env: {LANG: C, "EMPTY": ""}
slots: 2
)");
  const auto agent = read_agent(file, {});
  ASSERT_TRUE(agent) << agent.error().message;
  EXPECT_EQ(agent->name, "reviewer");
  EXPECT_EQ(agent->task_types, (std::vector<std::string>{"code.review", "code.lint"}));
  EXPECT_EQ(agent->capabilities, std::vector<std::string>{"cpp"});
  EXPECT_EQ(agent->recipe.command, (std::vector<std::string>{"sh", "-c", "echo 1"}));
  EXPECT_EQ(agent->recipe.input, ExecInput::none);
  EXPECT_EQ(agent->recipe.output, ExecOutputMode::lines);
  EXPECT_EQ(agent->recipe.timeout, 90s);
  EXPECT_EQ(agent->recipe.memory_max, 1024U * 1024 * 1024);
  EXPECT_EQ(agent->recipe.output_max, 64U * 1024);
  EXPECT_TRUE(agent->recipe.exit_codes.is_fatal(3));
  EXPECT_TRUE(agent->recipe.exit_codes.is_fatal(65));
  EXPECT_FALSE(agent->recipe.exit_codes.is_fatal(64));
  EXPECT_EQ(agent->recipe.env, (decltype(agent->recipe.env){{"LANG", "C"}, {"EMPTY", ""}}));
  EXPECT_EQ(agent->slots, 2U);
  EXPECT_EQ(missing_program(*agent), "");
}

TEST_F(AgentDefinitionTest, WhatTheFileDoesNotSayIsAsUsual) {
  ExecRecipe usual;
  usual.output_max = 777;
  const auto agent = read_agent(write("config/agents/x.yaml", least), usual);
  ASSERT_TRUE(agent) << agent.error().message;
  EXPECT_EQ(agent->recipe.output_max, 777U);
  EXPECT_EQ(agent->slots, 0U);
}

TEST_F(AgentDefinitionTest, EveryFaultIsToldWithItsLineAndKey) {
  EXPECT_EQ(fault("name: a b\nengine: llm\ncommand: []\n"),
            "x:1: name must be a name, 1 to 64 of A-Z a-z 0-9 . _ -\n"
            "x:2: engine must be exec\n"
            "x:3: command must be a list such as [a, b]\n"
            "x:3: command must be a program and its arguments\n"
            "x:1: task_types is missing");
}

TEST_F(AgentDefinitionTest, AMistypedKeyIsNotPassedOver) {
  EXPECT_EQ(fault(least + "comand: [cat]\n"),
            "x:5: comand is no key of an agent. Did you mean command?");
}

TEST_F(AgentDefinitionTest, UnitsAndBoundsAreHeld) {
  EXPECT_EQ(fault(least + "timeout: 30\n"),
            "x:5: timeout must be a duration from 1ms to 7d, such as 30s");
  EXPECT_EQ(fault(least + "memory_max: 1024\n"),
            "x:5: memory_max must be a size such as 64KiB or 1GiB");
  EXPECT_EQ(fault(least + "slots: 0\n"), "x:5: slots must be a number from 1 to 10000");
  EXPECT_EQ(fault(least + "input: stdin\n"), "x:5: input must be payload or none");
  EXPECT_EQ(fault(least + "exit_codes: {fatal: [0]}\n"),
            "x:5: exit_codes.fatal must be a number from 1 to 255");
  EXPECT_EQ(fault(least + "exit_codes: {fatal: [3], retryable: [3]}\n"),
            "x:5: exit_codes has 3 as fatal and as retryable");
  EXPECT_EQ(fault(least + "env: {DROVER_URL: x}\n"),
            "x:5: env.DROVER_URL must be a name without =, not DROVER_*");
}

TEST_F(AgentDefinitionTest, ARelativeCommandIsFoundFromTheFilesFolderUpwards) {
  const auto command = write("scripts/run", "#!/bin/sh\n");
  const auto file = write("config/agents/x.yaml",
                          "name: a\ntask_types: [t]\nengine: exec\ncommand: [scripts/run, arg]\n");
  const auto agent = read_agent(file, {});
  ASSERT_TRUE(agent) << agent.error().message;
  EXPECT_EQ(agent->recipe.command, (std::vector<std::string>{command, "arg"}));
  fs::remove(command);
  EXPECT_EQ(fault("name: a\ntask_types: [t]\nengine: exec\ncommand: [scripts/run, arg]\n"),
            "x:4: command names scripts/run, which neither the file's folder nor one above it has");
}

TEST_F(AgentDefinitionTest, TwoAgentsMayNotRunTheSameType) {
  write("config/agents/a.yaml", least);
  write("config/agents/b.yaml", "name: b\ntask_types: [t]\nengine: exec\ncommand: [cat]\n");
  const auto agents = read_agents((root / "config/agents").string(), {});
  ASSERT_FALSE(agents);
  EXPECT_TRUE(agents.error().message.ends_with("b.yaml: task_types has t, as " +
                                               (root / "config/agents/a.yaml").string() + " has"));
}

TEST_F(AgentDefinitionTest, AFolderThatIsNotThereIsToldAsSuch) {
  EXPECT_FALSE(read_agents((root / "none").string(), {}));
}

TEST_F(AgentDefinitionTest, AProgramThatIsMissingIsNamed) {
  const auto agent =
      read_agent(write("config/agents/x.yaml", least + "requires: [sh, no-such-program]\n"), {});
  ASSERT_TRUE(agent);
  EXPECT_EQ(missing_program(*agent), "no-such-program");
}

// --- the agents that are shipped

class ShippedAgents : public AgentDefinitionTest {
 protected:
  AttemptResult review(const std::string& payload) {
    static ChildKeeper keeper;
    const auto agents = read_agents(DROVER_SOURCE_DIR "/config/agents", {});
    EXPECT_TRUE(agents) << agents.error().message;
    StopSignal stop;
    AttemptContext attempt{.stop = stop, .progress = [](auto, auto) {}};
    attempt.payload = payload;
    return ExecEngine(agents->at(0).recipe, keeper).run(attempt);
  }
};

TEST_F(ShippedAgents, CodeReviewListsWhatItFinds) {
  if (find_program("cppcheck", getenv("PATH")).empty()) GTEST_SKIP() << "no cppcheck here";
  write("src/of file.cpp", "int f() {\n  char b[2];\n  return b[7];\n}\n");
  const auto result =
      review(R"({"path": "src\/\u006ff file.cpp", "root": ")" + root.string() + "\"}");
  ASSERT_EQ(result.outcome, Outcome::completed) << result.error.message;
  const auto answer = nlohmann::json::parse(result.result);
  EXPECT_EQ(answer["path"], "src/of file.cpp");
  EXPECT_EQ(answer["lines"], 4);
  const auto& findings = answer["findings"];
  const auto found = std::find_if(findings.begin(), findings.end(), [](const auto& finding) {
    return finding["id"] == "arrayIndexOutOfBounds";
  });
  ASSERT_NE(found, findings.end()) << result.result;
  EXPECT_EQ((*found)["line"], 3);
  EXPECT_EQ((*found)["severity"], "error");
}

TEST_F(ShippedAgents, CodeReviewOfWhatIsNotThereIsFatal) {
  for (const char* payload :
       {R"({"path": "none.cpp"})", R"({"path": ""})", "{}", "[1]", "", "{\"path\": \"a"}) {
    const auto result = review(payload);
    EXPECT_EQ(result.outcome, Outcome::failed) << payload;
    EXPECT_FALSE(result.error.retryable) << payload;
    EXPECT_NE(result.error.message.find("exit code 65: code-review: "), std::string::npos)
        << result.error.message;
  }
}

}  // namespace
}  // namespace drover::workers

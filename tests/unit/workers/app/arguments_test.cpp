#include "workers/app/arguments.hpp"

#include <gtest/gtest.h>

#include "workers/app/crew.hpp"

namespace drover::workers {
namespace {

WorkerArguments read(std::vector<const char*> words) {
  words.insert(words.begin(), "drover-worker");
  return read_worker_arguments(static_cast<int>(words.size()), words.data());
}

std::string spell(const WorkerArguments& arguments) {
  std::string text;
  for (const auto& [path, value, flag] : arguments.overrides) text += path + "=" + value + " ";
  return text;
}

TEST(WorkerArguments, ShortNamesAreSettings) {
  const auto arguments = read({"--connect", "tcp://10.0.0.1:7701", "--slots=3", "--prefetch", "2",
                               "--agents", "dir", "--drain-timeout", "5s"});
  EXPECT_EQ(spell(arguments),
            "worker.connect=tcp://10.0.0.1:7701 worker.slots=3 worker.prefetch=2 "
            "worker.agents_dir=dir worker.drain_timeout=5s ");
  EXPECT_FALSE(arguments.exit_code);
}

TEST(WorkerArguments, CapabilitiesAndLabelsAreGathered) {
  EXPECT_EQ(spell(read({"--capability", "gpu", "--label", "zone=a", "--capability", "cpp",
                        "--label", "rack=2"})),
            "worker.capabilities=gpu,cpp worker.labels=zone=a,rack=2 ");
}

TEST(WorkerArguments, TypesAreAListOfNames) {
  EXPECT_EQ(read({"--types", "a.b,c"}).types, (std::vector<std::string>{"a.b", "c"}));
  EXPECT_EQ(read({"--types", "a b"}).exit_code, 2);
  EXPECT_EQ(read({"--types", ""}).exit_code, 2);
}

TEST(WorkerArguments, AnySettingCanBeNamedByItsPath) {
  const auto arguments = read({"--log.level", "debug", "--config", "x.yaml"});
  EXPECT_EQ(spell(arguments), "log.level=debug ");
  EXPECT_EQ(arguments.config, "x.yaml");
}

TEST(WorkerArguments, MistakesAreUsageErrors) {
  EXPECT_EQ(read({"--slot", "3"}).exit_code, 2);
  EXPECT_EQ(read({"--slots"}).exit_code, 2);
  EXPECT_EQ(read({"--config"}).exit_code, 2);
  EXPECT_EQ(read({"test.echo"}).exit_code, 2);
  EXPECT_EQ(read({"--no.such.setting=1"}).exit_code, 2);
  EXPECT_EQ(read({"--help"}).exit_code, 0);
  EXPECT_EQ(read({"--version"}).exit_code, 0);
}

class CrewTest : public ::testing::Test {
 protected:
  static ChildKeeper& keeper() {
    static ChildKeeper the_keeper;
    return the_keeper;
  }
  WorkerOptions options;
};

TEST_F(CrewTest, BuiltInTypesAndAgentsMakeTheCrew) {
  options.builtin = true;
  options.agents_dir = DROVER_SOURCE_DIR "/config/agents";
  options.capabilities = {"gpu", "cpp-review"};
  const auto crew = muster(options, keeper());
  ASSERT_TRUE(crew) << crew.error().message;
  EXPECT_NE(crew->roster->find("test.echo"), nullptr);
  EXPECT_EQ(crew->roster->find("code.review") == nullptr, !crew->notes.empty());
  EXPECT_EQ(crew->capabilities, (std::vector<std::string>{"cpp-review", "gpu"}));
}

TEST_F(CrewTest, TheFilterLeavesOnlyTheTypesThatAreNamed) {
  options.builtin = true;
  options.types = {"test.sleep"};
  const auto crew = muster(options, keeper());
  ASSERT_TRUE(crew);
  EXPECT_EQ(crew->roster->types(), std::vector<std::string>{"test.sleep"});
}

TEST_F(CrewTest, ATypeThatNobodyRunsIsABadConfiguration) {
  options.builtin = true;
  options.types = {"test.slep"};
  const auto crew = muster(options, keeper());
  ASSERT_FALSE(crew);
  EXPECT_EQ(crew.error().message,
            "nothing here runs tasks of type test.slep. Did you mean test.sleep?");
}

TEST_F(CrewTest, AWorkerWithNothingToRunDoesNotStart) {
  EXPECT_FALSE(muster(options, keeper()));
  options.agents_dir = "no/such/folder";
  options.builtin = true;
  EXPECT_TRUE(muster(options, keeper()));  // the usual folder need not be there
  options.agents_wanted = true;
  EXPECT_FALSE(muster(options, keeper()));
}

TEST_F(CrewTest, ACommandRunsAlone) {
  options.builtin = true;
  options.command = CommandWorker{"mail.send", {"cat"}};
  const auto crew = muster(options, keeper());
  ASSERT_TRUE(crew);
  EXPECT_EQ(crew->roster->types(), std::vector<std::string>{"mail.send"});
  options.command->type = "mail send";
  EXPECT_FALSE(muster(options, keeper()));
}

}  // namespace
}  // namespace drover::workers

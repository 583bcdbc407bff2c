// What only the Docker executor has: images, services, docker-in-docker. The contract that all executors
// share is in tests/executors. Needs TIDEGATE_DOCKER_SOCKET and the images debian:bookworm-slim, python:3.11
// and docker:latest; skipped without.
#include "adapters/docker/docker_executor.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "adapters/docker/engine_client.h"
#include "base/sha256.h"
#include "sys/file.h"

namespace tidegate::docker {
namespace {

namespace fs = std::filesystem;

class Docker : public testing::Test {
 protected:
  void SetUp() override {
    const char* socket = std::getenv("TIDEGATE_DOCKER_SOCKET");
    if (socket == nullptr) GTEST_SKIP() << "TIDEGATE_DOCKER_SOCKET is not set: no Docker Engine to test with";
    settings_.socket = socket;
    settings_.runner = "docker-test-" + random_hex(6);
    settings_.grace = Millis{1000};
    auto made = sys::TempDirectory::make(fs::temp_directory_path(), "docker-");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    space_.project_host = folder_->path() / "project";
    space_.project_inside = "/builds/group/name";
    space_.scratch = folder_->path() / "scratch";
    ASSERT_TRUE(sys::make_directories(space_.project_host));
    ASSERT_TRUE(sys::make_directories(space_.scratch));
    message_.id = JobId(1);
    message_.image.emplace().name = "debian:bookworm-slim";
  }

  void TearDown() override {
    environment_.reset();
    if (!folder_) return;
    EngineClient engine(settings_.socket);
    ASSERT_TRUE(engine.connect());
    const Labels ours{{"tidegate.runner", settings_.runner}};
    EXPECT_EQ(engine.containers_with(ours).value().size(), 0U);
    EXPECT_EQ(engine.networks_with(ours).value().size(), 0U);
  }

  Status prepare() {
    DockerExecutor executor(settings_);
    TG_TRY(environment_,
           executor.prepare(message_, space_, [this](std::string_view text) { said_ += text; }, never_));
    return {};
  }

  // Exit code and output of a script that is expected to be run.
  std::pair<int, std::string> run(const std::string& script,
                                  const std::map<std::string, std::string>& variables = {}) {
    std::string out;
    const auto ended = environment_->run(
        script, variables, Millis{120'000}, [&](std::string_view bytes) { out += bytes; }, never_);
    if (!ended) return {-1, ended.error().message};
    return {ended->exit_code, out};
  }

  // A job of its own with the docker CLI and this engine.
  void in_docker_job(const std::string& script) {
    const pipeline::JobMessage message = std::exchange(message_, {});
    message_.id = JobId(2);
    message_.image = image("docker:latest");
    message_.services = {image("docker:dind")};
    ASSERT_TRUE(prepare()) << said_;
    const auto [code, output] = run(script);
    EXPECT_EQ(code, 0) << output;
    environment_.reset();
    said_.clear();
    message_ = message;
  }

  static pipeline::JobImage image(const std::string& name) {
    pipeline::JobImage made;
    made.name = name;
    return made;
  }

  DockerSettings settings_;
  std::optional<sys::TempDirectory> folder_;
  app::JobSpace space_;
  pipeline::JobMessage message_;
  std::unique_ptr<app::JobEnvironment> environment_;
  sys::StopFlag never_;
  std::string said_;
};

TEST_F(Docker, AnImageThatIsNowhereIsAPullFailure) {
  message_.image->name = "localhost:1/no/such-image:1";
  const Status prepared = prepare();
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, Errc::kFailed) << prepared.error().message;
  EXPECT_NE(prepared.error().message.find("no/such-image"), std::string::npos);
  message_.image->pull_policy = {"never"};
  EXPECT_NE(prepare().error().message.find("pull_policy: never"), std::string::npos);
  message_.image->pull_policy = {"sometimes"};
  EXPECT_EQ(prepare().error().code, Errc::kInvalid);
}

TEST_F(Docker, PullPoliciesAreTriedInOrder) {
  message_.image->pull_policy = {"always", "if-not-present"};
  message_.image->name = "debian:bookworm-slim";
  ASSERT_TRUE(prepare()) << said_;
}

TEST_F(Docker, AnEngineThatIsNotThereIsUnavailable) {
  settings_.socket = folder_->path() / "no.sock";
  EXPECT_EQ(prepare().error().code, Errc::kUnavailable);
  EXPECT_EQ(DockerExecutor::probe(settings_.socket).error().code, Errc::kEnvironment);
  settings_.socket = std::getenv("TIDEGATE_DOCKER_SOCKET");
  EXPECT_TRUE(DockerExecutor::probe(settings_.socket));
}

TEST_F(Docker, AJobWithoutImageNeedsADefault) {
  message_.image.reset();
  EXPECT_EQ(prepare().error().code, Errc::kInvalid);
  settings_.default_image = "debian:bookworm-slim";
  ASSERT_TRUE(prepare());
  EXPECT_EQ(run("echo here").second, "here\n");
}

TEST_F(Docker, TheEntrypointGetsTheShellAndAnEmptyOneIsNone) {
  message_.image->entrypoint = {{"env", "FROM_ENTRYPOINT=yes"}};
  ASSERT_TRUE(prepare());
  EXPECT_EQ(run("echo $FROM_ENTRYPOINT"), (std::pair<int, std::string>{0, "yes\n"}));
  environment_.reset();
  message_.image->entrypoint = {{""}};
  ASSERT_TRUE(prepare());
  EXPECT_EQ(run("echo ${FROM_ENTRYPOINT-none}"), (std::pair<int, std::string>{0, "none\n"}));
}

TEST_F(Docker, AUserOtherThanRootCanWorkInTheProject) {
  fs::create_directories(space_.project_host / "src");
  ASSERT_TRUE(sys::write_file(space_.project_host / "src/a", "a", 0600));
  message_.image->user = "1234:1234";
  ASSERT_TRUE(prepare());
  EXPECT_EQ(run("id -u; cat src/a; echo b > src/b && echo c > c && echo written"),
            (std::pair<int, std::string>{0, "1234\nawritten\n"}));
}

TEST_F(Docker, WhatTheJobMadeBelongsToTheRunner) {
  ASSERT_TRUE(prepare());
  EXPECT_EQ(run("mkdir made && echo x > made/file && chmod 600 made/file && chmod 700 made").first, 0);
  EXPECT_EQ(sys::read_file(space_.project_host / "made/file").value_or("unreadable"), "x\n");
  EXPECT_TRUE(sys::remove_tree(space_.project_host / "made"));
}

TEST_F(Docker, AContainerThatRunsOutOfMemorySaysSo) {
  settings_.memory_bytes = 32 << 20;
  message_.image->name = "python:3.11";
  ASSERT_TRUE(prepare());
  const auto [code, output] = run("exec python3 -c 'x = bytearray(400 << 20)'");
  EXPECT_NE(code, 0);
  EXPECT_NE(output.find("out of memory"), std::string::npos) << output;
}

TEST_F(Docker, ServicesAreReachedByTheirNames) {
  pipeline::JobImage service = image("python:3.11");
  service.aliases = {"web"};
  service.entrypoint = {{"python3", "-c"}};
  service.command = {
      {"import http.server, os\n"
       "class H(http.server.BaseHTTPRequestHandler):\n"
       "  def do_GET(self):\n"
       "    self.send_response(200); self.end_headers()\n"
       "    self.wfile.write((os.environ.get('GREETING', '') + os.environ.get('OPEN', '') +\n"
       "                      os.environ.get('HIDDEN', '')).encode())\n"
       "http.server.HTTPServer(('', 8000), H).serve_forever()\n"}};
  service.variables = {{.key = "GREETING", .value = "hello "}};
  message_.variables = {{.key = "OPEN", .value = "open"},
                        {.key = "HIDDEN", .value = "s3cret", .masked = true}};
  message_.services = {service};
  message_.image->name = "python:3.11";
  ASSERT_TRUE(prepare());
  // The image exposes no port, so nothing was waited for: the job asks until it answers.
  const std::string script =
      "python3 - <<'END'\n"
      "import urllib.request, time\n"
      "for name in ['web', 'python']:\n"
      "  for i in range(200):\n"
      "    try:\n"
      "      print(urllib.request.urlopen(f'http://{name}:8000/').read().decode()); break\n"
      "    except OSError as e: time.sleep(0.05); last = e\n"
      "  else: raise last\n"
      "END\n";
  EXPECT_EQ(run(script), (std::pair<int, std::string>{0, "hello open\nhello open\n"}));
}

// Names of the interfaces, and whether there is a way out of the container's own network.
constexpr const char* kNetwork =
    "sed -n 's/^ *\\([a-z0-9]*\\):.*/\\1/p' /proc/net/dev | sort | tr '\\n' ' '\n"
    "awk 'NR>1 && $2==\"00000000\" {way=1} END {print way ? \"way out\" : \"no way out\"}' /proc/net/route\n";

TEST_F(Docker, WithoutNetworkThereIsOnlyLoopback) {
  message_.image->name = "python:3.11";
  settings_.network_mode = "host";  // what the settings say does not bring it back
  message_.has_network = false;
  ASSERT_TRUE(prepare()) << said_;
  EXPECT_EQ(run(kNetwork).second, "lo no way out\n");
}

TEST_F(Docker, WithoutNetworkOnlyTheServicesAreReached) {
  pipeline::JobImage service = image("python:3.11");
  service.aliases = {"web"};
  service.entrypoint = {{"python3", "-m", "http.server", "8000"}};
  message_.services = {service};
  message_.image->name = "python:3.11";
  message_.has_network = false;
  ASSERT_TRUE(prepare()) << said_;
  const auto [code, output] = run(std::string(kNetwork) +
                                  "python3 - <<'END'\n"
                                  "import urllib.request, time\n"
                                  "for i in range(200):\n"
                                  "  try: print(urllib.request.urlopen('http://web:8000/').status); break\n"
                                  "  except OSError as e: time.sleep(0.05); last = e\n"
                                  "else: raise last\n"
                                  "END\n");
  EXPECT_EQ(code, 0) << output;
  EXPECT_NE(output.find("no way out\n200"), std::string::npos) << output;
}

TEST_F(Docker, AServiceThatEndsIsAWarningWithItsLog) {
  // It exposes a port, so it is waited for: whether it ends before the first look or after it is all the
  // same.
  const std::string tag = "tidegate-test-" + random_hex(6);
  in_docker_job("printf 'FROM debian:bookworm-slim\nEXPOSE 5432\n' | docker build -q -t " + tag + " -");
  pipeline::JobImage service = image(tag);
  service.command = {{"sh", "-c", "echo broken configuration; exit 3"}};
  message_.services = {service};
  settings_.service_timeout = Millis{5000};
  ASSERT_TRUE(prepare());
  EXPECT_NE(said_.find("probably didn't start properly"), std::string::npos) << said_;
  EXPECT_NE(said_.find("broken configuration"), std::string::npos) << said_;
  EXPECT_EQ(run("echo runs").second, "runs\n");
  environment_.reset();
  in_docker_job("docker rmi " + tag);
}

TEST_F(Docker, DockerInDockerIsTheEngineItself) {
  message_.services = {image("docker:24-dind")};
  message_.image->name = "docker:latest";
  ASSERT_TRUE(prepare()) << said_;
  EXPECT_NE(said_.find("docker:dind is not started"), std::string::npos);
  const std::string tag = "tidegate-test-" + random_hex(6);
  ASSERT_TRUE(sys::write_file(space_.project_host / "Dockerfile",
                              "FROM debian:bookworm-slim\nRUN echo built > /built\n"));
  const auto [code, output] =
      run("set -e; echo ${DOCKER_TLS_CERTDIR-unset} ${DOCKER_TLS_VERIFY-unset} $DOCKER_HOST\n"
          "docker build -q -t " +
              tag + " . >/dev/null\n",
          {{"DOCKER_TLS_CERTDIR", "/certs"}, {"DOCKER_HOST", "tcp://docker:2376"}});
  EXPECT_EQ(code, 0) << output;
  EXPECT_TRUE(output.starts_with("unset unset unix:///var/run/docker.sock\n")) << output;
  environment_.reset();
  // The next job has the image.
  message_.services.clear();
  message_.image->name = tag;
  message_.image->pull_policy = {"never"};
  ASSERT_TRUE(prepare());
  EXPECT_EQ(run("cat /built").second, "built\n");
  environment_.reset();
  message_.services = {image("docker:dind")};
  message_.image = image("docker:latest");
  ASSERT_TRUE(prepare());
  EXPECT_EQ(run("docker rmi " + tag + " >/dev/null && echo gone").second, "gone\n");
}

TEST_F(Docker, ARunnerThatDoesNotShareItsEngineRefusesSuchJobs) {
  message_.services = {image("docker:dind")};
  settings_.share_engine = false;
  EXPECT_EQ(prepare().error().code, Errc::kInvalid);
}

TEST_F(Docker, WhatAKilledRunnerLeftIsRemovedByItsLabels) {
  message_.services = {image("debian:bookworm-slim")};
  message_.services[0].command = {{"sleep", "600"}};
  ASSERT_TRUE(prepare());
  EXPECT_EQ(run("true").first, 0);
  // As if the process had been killed: nobody destroys it (and the leak checker can still see it).
  static auto* const never_destroyed = new std::unique_ptr<app::JobEnvironment>;
  *never_destroyed = std::move(environment_);
  EngineClient engine(settings_.socket);
  ASSERT_TRUE(engine.connect());
  EXPECT_EQ(engine.containers_with({{"tidegate.runner", settings_.runner}}).value().size(), 2U);
  DockerExecutor executor(settings_);
  ASSERT_TRUE(executor.remove_leftovers({JobId(2)}));
  EXPECT_EQ(engine.containers_with({{"tidegate.runner", settings_.runner}}).value().size(), 2U);
  ASSERT_TRUE(executor.remove_leftovers({}));  // TearDown sees that nothing is left
}

TEST_F(Docker, AnImageWithoutAShellIsAClearError) {
  message_.image->entrypoint = {{"/no/such/program"}};
  ASSERT_TRUE(prepare());
  const auto [code, output] = run("true");
  EXPECT_EQ(code, -1);
  EXPECT_NE(output.find("/no/such/program"), std::string::npos) << output;
}

}  // namespace
}  // namespace tidegate::docker

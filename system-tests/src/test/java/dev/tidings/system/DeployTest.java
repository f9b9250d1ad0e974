// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/// What can be said about the files under `deploy/` without Docker: that they can be read, fit each
/// other and the project, and ask only for metrics that a server has.
@Tag("embedded")
@SystemTest
final class DeployTest {
  private static final Path DEPLOY = Markdown.root().resolve("deploy");
  private static final YAMLMapper YAML = new YAMLMapper();

  /// Metrics in an expression, with what selects their labels.
  private static final Pattern SELECTED =
      Pattern.compile("\\b((?:relay|tidings|http|jvm)_[a-z0-9_]+)(?:\\{([^}]*)})?");

  private static final Pattern GROUPED = Pattern.compile("\\bby \\(([^)]*)\\)");

  private static final Pattern LABEL = Pattern.compile("([a-z_]+)\\s*(?:=~|!~|!=|=)\\s*\"");
  private static final Pattern SAMPLE = Pattern.compile("(?m)^([a-z0-9_]+)(?:\\{(.*)})? \\S+$");

  /// Labels that Prometheus adds.
  private static final Set<String> ADDED = Set.of("instance", "job");

  /// What a server has only when it is told to.
  private static final Set<String> WITH_TLS_ONLY = Set.of("tidings_tls_certificate_expiry_seconds");

  private final TidingsProcess server;
  private final JsonNode compose = yaml("compose.yaml");
  private final String dockerfile = text("Dockerfile").replace("\\\n", " ");

  DeployTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
  }

  private static String text(String name) {
    try {
      return Files.readString(DEPLOY.resolve(name));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static JsonNode yaml(String name) {
    return YAML.readTree(text(name));
  }

  private static List<Path> files(String... endings) {
    try (Stream<Path> files = Files.walk(DEPLOY)) {
      return files.filter(file -> Stream.of(endings).anyMatch(file.toString()::endsWith)).toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @TestFactory
  Stream<DynamicTest> files_canBeRead() {
    return files(".yaml", ".yml", ".json").stream()
        .map(file ->
            DynamicTest.dynamicTest(
                DEPLOY.relativize(file).toString(),
                () -> {
                  String content = Files.readString(file);
                  JsonNode read =
                      file.toString().endsWith(".json")
                          ? Json.parse(content)
                          : YAML.readTree(content);
                  assertThat(read.isObject()).as("an object").isTrue();
                }));
  }

  // ---- metrics ----

  /// Every expression of the alerts and panels, by where it stands.
  private static Map<String, String> expressions() {
    var expressions = new LinkedHashMap<String, String>();
    yaml("alerts.yml")
        .at("/groups/0/rules")
        .forEach(rule ->
            expressions.put("alert " + rule.get("alert").asString(), rule.get("expr").asString()));
    JsonNode dashboard = Json.parse(text("grafana/dashboards/tidings.json"));
    for (JsonNode panel : dashboard.get("panels")) {
      for (JsonNode target : panel.path("targets")) {
        expressions.put(
            "panel " + panel.get("title").asString() + " " + target.get("refId").asString(),
            target.get("expr").asString());
      }
    }
    for (JsonNode variable : dashboard.at("/templating/list")) {
      expressions.put(
          "variable " + variable.get("name").asString(), variable.get("definition").asString());
    }
    return expressions;
  }

  /// The names of all samples with the labels they have.
  private Map<String, Set<String>> samples() {
    RelayClient admin = server.admin();
    String topic = RelayClient.unique("watched");
    try (RelaySocket socket = admin.subscribe(topic)) {
      admin.publishNumber(topic, 1);
      socket.expect("message");
    }
    Await.until(
        "the socket's end is counted",
        () -> OperationsTest.metric(admin, "relay_websocket_disconnections_total") > 0);
    var samples = new LinkedHashMap<String, Set<String>>();
    Matcher sample = SAMPLE.matcher(server.anonymous().get("/metrics").expect(200).body());
    while (sample.find()) {
      String labels = sample.group(2) == null ? "" : sample.group(2);
      samples
          .computeIfAbsent(sample.group(1), _ -> new HashSet<>())
          .addAll(LABEL.matcher(labels).results().map(match -> match.group(1)).toList());
    }
    return samples;
  }

  @TestFactory
  Stream<DynamicTest> metrics_areThoseOfAServer() {
    Map<String, Set<String>> samples = samples();
    return expressions().entrySet().stream()
        .map(expression ->
            DynamicTest.dynamicTest(
                expression.getKey(),
                () -> {
                  List<MatchResult> selected =
                      SELECTED.matcher(expression.getValue()).results().toList();
                  assertThat(selected.isEmpty() && !expression.getValue().startsWith("up{"))
                      .as("asks for nothing: %s", expression.getValue())
                      .isFalse();
                  var grouping = new HashSet<String>(ADDED);
                  for (MatchResult metric : selected) {
                    if (!WITH_TLS_ONLY.contains(metric.group(1))) {
                      assertThat(samples).containsKey(metric.group(1));
                      assertLabels(metric, samples.get(metric.group(1)));
                      grouping.addAll(samples.get(metric.group(1)));
                    }
                  }
                  assertThat(grouping).containsAll(groupsOf(expression.getValue()));
                }));
  }

  /// The labels by which an expression groups.
  private static List<String> groupsOf(String expression) {
    return GROUPED
        .matcher(expression)
        .results()
        .flatMap(group -> Stream.of(group.group(1).split(", *", -1)))
        .toList();
  }

  private static void assertLabels(MatchResult metric, Set<String> known) {
    String selector = metric.group(2) == null ? "" : metric.group(2);
    Set<String> asked =
        LABEL.matcher(selector).results().map(match -> match.group(1)).collect(toSet());
    asked.removeAll(ADDED);
    assertThat(known).as("labels of " + metric.group(1)).containsAll(asked);
  }

  @Test
  void alerts_sayWhatToDo() {
    JsonNode rules = yaml("alerts.yml").at("/groups/0/rules");

    assertThat(rules).hasSizeGreaterThan(8);
    for (JsonNode rule : rules) {
      assertThat(rule.at("/labels/severity").asString("")).isIn("critical", "warning");
      assertThat(rule.at("/annotations/summary").asString("")).contains("$labels.instance");
      assertThat(rule.at("/annotations/action").asString("")).isNotBlank();
    }
  }

  // ---- Dockerfile ----

  /// What stands behind an instruction, each time it is there.
  private List<String> instructions(String name) {
    return Pattern.compile("(?m)^\\s*" + name + "\\s+(.*)$")
        .matcher(dockerfile)
        .results()
        .map(match -> match.group(1).strip())
        .toList();
  }

  @Test
  void image_copiesWhatTheBuildMakes() throws IOException {
    String pom = Files.readString(Markdown.root().resolve("app/pom.xml"));

    assertThat(pom)
        .contains("<finalName>tidings</finalName>")
        .contains("<outputDirectory>${project.build.directory}/lib</outputDirectory>")
        .contains("<classpathPrefix>lib/</classpathPrefix>");
    assertThat(instructions("COPY"))
        .containsExactly(
            ". .",
            "--from=build /src/app/target/tidings.jar /opt/tidings/tidings.jar",
            "--from=build /src/app/target/lib /opt/tidings/lib");
    assertThat(Markdown.root().resolve("mvnw")).isExecutable();
    assertThat(instructions("ENTRYPOINT").getFirst()).contains("\"/opt/tidings/tidings.jar\"");
  }

  /// What the build needs is not held back from it.
  @Test
  void ignoredFiles_areNotNeeded() {
    List<String> ignored =
        text("Dockerfile.dockerignore").lines().filter(line -> !line.startsWith("#")).toList();

    assertThat(ignored).contains(".git", "**/target", "**/.env", "/tidings-data");
    assertThat(ignored)
        .noneMatch(pattern ->
            Stream.of("pom", "mvn", "core", "server", "app", "bench/", "store", "system", "src")
                .anyMatch(pattern::contains));
  }

  @Test
  void image_runsAsNobodySpecial_withItsDataInAVolume() {
    assertThat(instructions("USER")).containsExactly("tidings");
    assertThat(dockerfile.indexOf("USER tidings")).isLessThan(dockerfile.indexOf("ENTRYPOINT"));
    String folder = instructions("VOLUME").getFirst();
    assertThat(instructions("ENV")).containsExactly("TIDINGS_STORE_DATA_DIR=" + folder);
    assertThat(dockerfile).contains("install -d -o tidings -g tidings -m 0700 " + folder);
    assertThat(instructions("EXPOSE")).containsExactly(defaultOf("server.port"));
    assertThat(instructions("HEALTHCHECK").getFirst())
        .contains("GET /ready", "${TIDINGS_SERVER_PORT:-" + defaultOf("server.port") + "}");
  }

  @Test
  void image_startsTheServerItself_withTheFlagsItNeeds() throws IOException {
    List<String> command = Json.texts(Json.parse(instructions("ENTRYPOINT").getFirst()));

    assertThat(command.getFirst()).isEqualTo("java");
    assertThat(Json.texts(Json.parse(instructions("CMD").getLast()))).containsExactly("serve");
    Matcher flags =
        Pattern.compile("<tidings.jvm.args>(.*)</tidings.jvm.args>")
            .matcher(Files.readString(Markdown.root().resolve("pom.xml")));
    assertThat(flags.find()).isTrue();
    assertThat(command).contains(flags.group(1).split(" ", -1));
  }

  /// The check of the container's health is a shell command: it is run as Docker would.
  @Test
  void healthCheck_ofARunningServer_succeeds() throws Exception {
    List<String> check =
        Json.texts(
            Json.parse(
                instructions("HEALTHCHECK").getFirst().replaceFirst("^.*?CMD\\s*(?=\\[)", "")));

    assertThat(exitCodeOf(check, server.port())).isZero();
    assertThat(exitCodeOf(check, 1)).isNotZero();
  }

  private static int exitCodeOf(List<String> command, int port) throws Exception {
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.environment().put("TIDINGS_SERVER_PORT", Integer.toString(port));
    return Await.result(builder.start().onExit()).exitValue();
  }

  // ---- compose.yaml ----

  private static List<List<String>> settings() {
    var rows = new ArrayList<List<String>>();
    Markdown.page("docs/configuration.md").section("Keys").tables().forEach(rows::addAll);
    return rows;
  }

  private static String defaultOf(String key) {
    return settings().stream()
        .filter(row -> row.getFirst().equals("`" + key + "`"))
        .map(row -> row.get(1).replace("`", ""))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void variables_areSettingsOfTheServer() {
    Set<String> known =
        settings().stream().map(row -> row.get(3).replace("`", "")).collect(toSet());

    assertThat(known).contains("TIDINGS_SERVER_PORT");
    assertThat(known).containsAll(Json.names(compose.at("/services/tidings/environment")));
  }

  @Test
  void secrets_comeFromTheEnvironmentOrStopTheStart() {
    JsonNode server = compose.at("/services/tidings/environment");
    JsonNode grafana = compose.at("/services/grafana/environment");

    for (String secret :
        List.of(
            server.get("TIDINGS_AUTH_SECRET_KEY").asString(),
            server.get("TIDINGS_AUTH_BOOTSTRAP_ADMIN_PASSWORD").asString(),
            grafana.get("GF_SECURITY_ADMIN_PASSWORD").asString())) {
      assertThat(secret).matches("\\$\\{([A-Z_]+):\\?set it in deploy/\\.env[^}]+}");
      String variable = secret.replaceAll("^..|:.*", "");
      assertThat(text("README.md"))
          .as("how to set %s", variable)
          .contains(variable.equals("TIDINGS_AUTH_SECRET_KEY") ? "generate-secret-key" : variable);
    }
  }

  @Test
  void mounts_areFilesOrVolumesThatAreThere() {
    List<String> volumes = Json.names(compose.get("volumes"));
    for (JsonNode service : compose.get("services")) {
      for (String mount : Json.texts(service.get("volumes"))) {
        String source = mount.split(":", -1)[0];
        if (source.startsWith("./")) {
          assertThat(DEPLOY.resolve(source)).exists();
        } else {
          assertThat(volumes).contains(source);
        }
      }
    }
    assertThat(Json.texts(compose.at("/services/tidings/volumes")))
        .containsExactly("data:" + instructions("VOLUME").getFirst());
    JsonNode build = compose.at("/services/tidings/build");
    Path context = DEPLOY.resolve(build.get("context").asString());
    assertThat(context.resolve(build.get("dockerfile").asString())).exists();
    assertThat(context.resolve("pom.xml")).exists();
  }

  @Test
  void services_findEachOther() {
    String port = defaultOf("server.port");
    JsonNode prometheus = yaml("prometheus.yml");
    JsonNode source = yaml("grafana/provisioning/datasources/prometheus.yaml").at("/datasources/0");
    JsonNode provider = yaml("grafana/provisioning/dashboards/tidings.yaml").at("/providers/0");
    JsonNode dashboard = Json.parse(text("grafana/dashboards/tidings.json"));

    assertThat(Json.texts(compose.at("/services/tidings/ports")))
        .containsExactly("${TIDINGS_PORT:-" + port + "}:" + port);
    assertThat(Json.texts(prometheus.at("/scrape_configs/0/static_configs/0/targets")))
        .containsExactly("tidings:" + port);
    assertThat(prometheus.at("/scrape_configs/0/job_name").asString()).isEqualTo("tidings");
    List<String> mounts = new ArrayList<>(Json.texts(compose.at("/services/prometheus/volumes")));
    for (String rules : Json.texts(prometheus.get("rule_files"))) {
      assertThat(mounts).contains("./alerts.yml:" + rules + ":ro");
    }
    assertThat(Json.texts(compose.at("/services/prometheus/command")))
        .contains("--config.file=/etc/prometheus/prometheus.yml");
    assertThat(source.get("url").asString()).isEqualTo("http://prometheus:9090");
    mounts.addAll(Json.texts(compose.at("/services/grafana/volumes")));
    assertThat(mounts)
        .contains(
            "./prometheus.yml:/etc/prometheus/prometheus.yml:ro",
            "./grafana/provisioning:/etc/grafana/provisioning:ro",
            "./grafana/dashboards:" + provider.at("/options/path").asString() + ":ro");
    for (JsonNode panel : dashboard.get("panels")) {
      for (JsonNode target : panel.path("targets")) {
        assertThat(target.at("/datasource/uid")).isEqualTo(source.get("uid"));
      }
    }
  }
}

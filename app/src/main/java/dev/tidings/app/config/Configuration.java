// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The settings of one process, merged and checked, each with its source.
public final class Configuration {
  /// Variables that begin as ours do but set no key: read by the launcher and by the client
  /// commands.
  private static final Set<String> OTHER_VARIABLES = Set.of("TIDINGS_JAVA_OPTS", "TIDINGS_TOKEN");

  /// What Kubernetes puts into every container of a namespace that has a service named `tidings`.
  private static final Pattern SERVICE_LINKS =
      Pattern.compile("TIDINGS_(SERVICE_HOST|SERVICE_PORT(_\\w+)?|PORT|PORT_\\d+_\\w+)");

  private final TidingsConfig config;
  private final Map<String, Given> given;
  private final List<ConfigError> warnings;

  private Configuration(
      TidingsConfig config, Map<String, Given> given, List<ConfigError> warnings) {
    this.config = config;
    this.given = given;
    this.warnings = List.copyOf(warnings);
  }

  /// What the settings are for: administration needs no secret.
  public enum Purpose {
    SERVE,
    ADMINISTER
  }

  /// Reads, merges and checks everything, or tells everything that is wrong.
  public static Configuration load(ConfigSources sources, Purpose purpose)
      throws InvalidConfigException {
    List<ConfigError> errors = new ArrayList<>();
    Map<String, Given> merged = new LinkedHashMap<>();
    merged.putAll(known(fromFile(sources, errors), errors));
    merged.putAll(fromEnvironment(sources.environment(), errors));
    sources.flags().forEach((key, flag) -> merged.put(key, new Given(flag.value(), flag.name())));
    addDefaults(merged);
    Map<String, Object> values = parse(merged, errors);
    checkTogether(merged, values, purpose, errors);
    List<ConfigError> insecure =
        purpose == Purpose.SERVE ? InsecureSettings.find(merged, values) : List.of();
    boolean tolerated = Boolean.TRUE.equals(values.get(InsecureSettings.TOLERATED));
    if (!tolerated) {
      errors.addAll(insecure);
    }
    if (!errors.isEmpty()) {
      throw new InvalidConfigException(errors);
    }
    return new Configuration(KeyTree.bind(values), merged, insecure);
  }

  public TidingsConfig config() {
    return config;
  }

  /// What is insecure and was told to be tolerated.
  public List<ConfigError> warnings() {
    return warnings;
  }

  /// The whole tree as YAML, the source of each value as a comment, secrets masked.
  public String toYaml() {
    StringBuilder yaml = new StringBuilder();
    String section = "";
    for (Key key : KeyTree.keys().values()) {
      section = openSections(yaml, section, key.section());
      @Nullable Given value = given.get(key.path());
      String indent = "  ".repeat(depth(key.section()));
      String name = key.path().substring(key.path().lastIndexOf('.') + 1);
      if (value == null) {
        yaml.append("%s# %s: (not set)%n".formatted(indent, name));
      } else {
        String text = key.secret() ? "\"********\"" : quoted(value.text());
        yaml.append("%s%s: %s # %s%n".formatted(indent, name, text, value.source()));
      }
    }
    return yaml.toString();
  }

  private static String openSections(StringBuilder yaml, String from, String to) {
    String[] names = to.isEmpty() ? new String[0] : to.split("\\.", -1);
    String path = "";
    for (int depth = 0; depth < names.length; depth++) {
      path = depth == 0 ? names[0] : path + "." + names[depth];
      if (!(from + ".").startsWith(path + ".")) {
        yaml.append("  ".repeat(depth)).append(names[depth]).append(":\n");
      }
    }
    return to;
  }

  private static int depth(String section) {
    return section.isEmpty() ? 0 : (int) section.chars().filter(c -> c == '.').count() + 1;
  }

  private static String quoted(String text) {
    return text.matches("[A-Za-z0-9./][A-Za-z0-9./_-]*")
        ? text
        : "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  private static Map<String, Given> fromFile(ConfigSources sources, List<ConfigError> errors) {
    Path usual = sources.folder().resolve(ConfigSources.USUAL_FILE);
    if (sources.file().isEmpty()) {
      return Files.exists(usual) ? YamlSettings.read(usual, errors) : Map.of();
    }
    Path file = sources.folder().resolve(sources.file().get());
    if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
      errors.add(
          new ConfigError(
              "file", sources.file().get().toString(), "a file that can be read", "--config"));
      return Map.of();
    }
    return YamlSettings.read(file, errors);
  }

  /// The entries whose key exists; the others become errors that name the nearest one.
  private static Map<String, Given> known(Map<String, Given> values, List<ConfigError> errors) {
    Map<String, Given> known = new LinkedHashMap<>();
    values.forEach((path, value) -> {
      if (KeyTree.keys().containsKey(path)) {
        known.put(path, value);
      } else {
        errors.add(new ConfigError(path, "unknown key", meant(path), value.source()));
      }
    });
    return known;
  }

  private static String meant(String path) {
    String keysInside =
        KeyTree.keys().keySet().stream()
            .filter(key -> key.startsWith(path + "."))
            .map(key -> key.substring(path.length() + 1))
            .collect(Collectors.joining(", "));
    if (!keysInside.isEmpty()) {
      return "a section with the keys " + keysInside;
    }
    return Nearest.to(path, KeyTree.keys().keySet())
        .orElse("a key that `tidings config show` lists");
  }

  private static Map<String, Given> fromEnvironment(
      Map<String, String> environment, List<ConfigError> errors) {
    Map<String, String> paths =
        KeyTree.keys().values().stream().collect(Collectors.toMap(Key::environmentName, Key::path));
    Map<String, Given> values = new LinkedHashMap<>();
    environment.entrySet().stream()
        .filter(variable -> variable.getKey().startsWith("TIDINGS_"))
        .filter(variable -> !OTHER_VARIABLES.contains(variable.getKey()))
        .sorted(Map.Entry.comparingByKey())
        .forEach(variable -> {
          @Nullable String path = paths.get(variable.getKey());
          if (path != null) {
            values.put(path, new Given(variable.getValue(), variable.getKey()));
          } else if (!SERVICE_LINKS.matcher(variable.getKey()).matches()) {
            String meant =
                Nearest.to(variable.getKey(), paths.keySet())
                    .orElse("TIDINGS_ and a key that `tidings config show` lists");
            errors.add(
                new ConfigError(variable.getKey(), "unknown variable", meant, "environment"));
          }
        });
    return values;
  }

  private static void addDefaults(Map<String, Given> merged) {
    boolean dev =
        Optional.ofNullable(merged.get("dev"))
            .map(value -> value.text().equals("true"))
            .orElse(false);
    // The administrator is one thing: a name of one's own must not get the well-known password.
    boolean ownAdmin =
        merged.keySet().stream().anyMatch(path -> path.startsWith("auth.bootstrap-admin."));
    for (Key key : KeyTree.keys().values()) {
      if (ownAdmin && key.section().equals("auth.bootstrap-admin")) {
        continue;
      }
      boolean differs = dev && !key.setting().devDefault().isEmpty();
      key.defaultValue(dev)
          .ifPresent(text ->
              merged.putIfAbsent(
                  key.path(), new Given(text, differs ? "default of --dev" : "default")));
    }
  }

  private static Map<String, Object> parse(Map<String, Given> merged, List<ConfigError> errors) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (Key key : KeyTree.keys().values()) {
      @Nullable Given value = merged.get(key.path());
      if (value != null) {
        key.parse(value.text())
            .ifPresentOrElse(
                parsed -> values.put(key.path(), parsed),
                () ->
                    errors.add(
                        new ConfigError(
                            key.path(),
                            key.display(value.text()),
                            key.expected(),
                            value.source())));
      } else if (key.presence() == Key.Presence.REQUIRED_IN_SECTION
          && merged.keySet().stream().anyMatch(path -> path.startsWith(key.section() + "."))) {
        errors.add(
            new ConfigError(
                key.path(), "not set", key.expected(), "because " + key.section() + " is given"));
      }
    }
    return values;
  }

  /// What no single key can tell. Values that did not parse are absent here and told already.
  private static void checkTogether(
      Map<String, Given> merged,
      Map<String, Object> values,
      Purpose purpose,
      List<ConfigError> errors) {
    boolean dev = Boolean.TRUE.equals(values.get("dev"));
    if (purpose == Purpose.SERVE && !dev && !merged.containsKey("auth.secret-key")) {
      errors.add(
          new ConfigError(
              "auth.secret-key",
              "not set",
              "at least 32 characters: set TIDINGS_AUTH_SECRET_KEY to what `tidings"
                  + " generate-secret-key` prints; to try Tidings out, use --dev",
              ""));
    }
    if (dev && values.get("server.host") instanceof String host && !Loopback.isNamedBy(host)) {
      errors.add(
          new ConfigError(
              "server.host",
              host,
              "a loopback address such as 127.0.0.1, because dev is on: its password is known to"
                  + " everyone",
              source(merged, "server.host")));
    }
    checkOrder(merged, values, "poll.max-waiters-per-user", "poll.max-waiters", errors);
    checkOrder(merged, values, "server.max-body-size", "limits.pending-bytes", errors);
    checkOrder(merged, values, "limits.batch-bytes", "limits.pending-bytes", errors);
    checkOrder(merged, values, "pubsub.backoff-min", "pubsub.backoff-max", errors);
    checkCache(merged, values, errors);
    errors.addAll(DatabaseSettings.check(merged, values));
    checkTls(merged, values, errors);
  }

  /// TLS needs all of its keys or none, and a server needs a port.
  private static void checkTls(
      Map<String, Given> merged, Map<String, Object> values, List<ConfigError> errors) {
    List<String> needed = List.of("tls.port", "tls.certificate", "tls.private-key");
    needed.stream()
        .filter(merged::containsKey)
        .findFirst()
        .ifPresent(present ->
            needed.stream()
                .filter(key -> !merged.containsKey(key))
                .map(key ->
                    new ConfigError(
                        key,
                        "not set",
                        Optional.ofNullable(KeyTree.keys().get(key)).orElseThrow().expected(),
                        "because " + present + " is given"))
                .forEach(errors::add));
    boolean plain = !Boolean.FALSE.equals(values.get("server.plain"));
    if (!plain && !merged.containsKey("tls.port")) {
      errors.add(
          new ConfigError(
              "server.plain",
              "false",
              "true, or tls.port, tls.certificate and tls.private-key",
              source(merged, "server.plain")));
    }
    if (plain
        && values.get("tls.port") instanceof Integer port
        && port != 0
        && port.equals(values.get("server.port"))) {
      errors.add(
          new ConfigError(
              "tls.port",
              given(merged, "tls.port").text(),
              "another port than server.port, unless server.plain is false",
              source(merged, "tls.port")));
    }
  }

  private static void checkOrder(
      Map<String, Given> merged,
      Map<String, Object> values,
      String lesser,
      String greater,
      List<ConfigError> errors) {
    boolean isReversed =
        switch (values.get(lesser)) {
          case Number less ->
              values.get(greater) instanceof Number more && less.longValue() > more.longValue();
          case Duration less ->
              values.get(greater) instanceof Duration more && less.compareTo(more) > 0;
          case null, default -> false;
        };
    if (isReversed) {
      String bound = given(merged, greater).text();
      errors.add(
          new ConfigError(
              lesser,
              given(merged, lesser).text(),
              "at most " + greater + ", which is " + bound,
              source(merged, lesser)));
    }
  }

  /// Memtables are charged to the cache, so the store refuses one that they could fill.
  private static void checkCache(
      Map<String, Given> merged, Map<String, Object> values, List<ConfigError> errors) {
    String cache = "store.rocksdb.block-cache-size";
    String buffer = "store.rocksdb.write-buffer-size";
    if (values.get(cache) instanceof Long cacheBytes
        && values.get(buffer) instanceof Long bufferBytes
        && cacheBytes < 2 * bufferBytes) {
      errors.add(
          new ConfigError(
              cache,
              given(merged, cache).text(),
              "at least twice " + buffer + ", which is " + given(merged, buffer).text(),
              source(merged, cache)));
    }
  }

  private static String source(Map<String, Given> merged, String path) {
    return given(merged, path).source();
  }

  private static Given given(Map<String, Given> merged, String path) {
    return Optional.ofNullable(merged.get(path)).orElseThrow();
  }
}

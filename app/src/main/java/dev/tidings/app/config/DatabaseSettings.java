// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import dev.tidings.app.config.TidingsConfig.Durability;
import dev.tidings.app.config.TidingsConfig.StoreType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// What the settings of a store in a database must say together: which database and who, where
/// messages are kept in one, and nothing of it where they are not.
final class DatabaseSettings {
  private static final String TYPE = "store.type";
  private static final String URL = "store.url";
  private static final String USER = "store.user";
  private static final String TAKE_OVER = "store.take-over";
  private static final String DURABILITY = "store.durability";

  private static final String EXPECTED_URL =
      "an address such as postgresql://localhost:5432/tidings";

  /// Host or hosts with their ports, a database, and parameters.
  private static final Pattern ADDRESS =
      Pattern.compile("(?:jdbc:)?postgres(?:ql)?://[^/?#@\\s]+/[^/?#@\\s]+(?:\\?\\S*)?");

  /// A user before the host, or a parameter that has a setting of its own or would show a secret.
  /// It is looked for in anything, since what is no address is told too.
  private static final Pattern CREDENTIALS =
      Pattern.compile("@|(?<![a-z])(?:user|password|sslpassword)\\s*=", Pattern.CASE_INSENSITIVE);

  private DatabaseSettings() {}

  /// What is wrong with these values, of which those that did not parse are absent.
  static List<ConfigError> check(Map<String, Given> merged, Map<String, Object> values) {
    return switch (values.get(TYPE)) {
      case StoreType.POSTGRESQL -> checkDatabase(merged, values);
      case StoreType other -> checkNone(other, merged, values);
      case null, default -> List.of();
    };
  }

  private static List<ConfigError> checkDatabase(
      Map<String, Given> merged, Map<String, Object> values) {
    List<ConfigError> errors = new ArrayList<>();
    if (!merged.containsKey(URL)) {
      errors.add(missing(URL, EXPECTED_URL));
    }
    if (!merged.containsKey(USER)) {
      errors.add(missing(USER, "a user of the database"));
    }
    if (values.get(URL) instanceof String url) {
      checkAddress(url, source(merged, URL)).ifPresent(errors::add);
    }
    if (values.get(DURABILITY) == Durability.MEMORY) {
      errors.add(
          new ConfigError(
              DURABILITY,
              "memory",
              "fsync, because store.type is postgresql, where every answer waits for the commit",
              source(merged, DURABILITY)));
    }
    return errors;
  }

  /// The address is written to the log, so it holds no secrets; nor does what is told here.
  private static Optional<ConfigError> checkAddress(String url, String source) {
    if (CREDENTIALS.matcher(url).find()) {
      return Optional.of(
          new ConfigError(
              URL,
              "an address with a user or password in it",
              EXPECTED_URL
                  + ", because it is logged: set store.user and store.password, best as"
                  + " TIDINGS_STORE_PASSWORD",
              source));
    }
    return ADDRESS.matcher(url).matches()
        ? Optional.empty()
        : Optional.of(new ConfigError(URL, withoutParameters(url), EXPECTED_URL, source));
  }

  private static String withoutParameters(String url) {
    int parameters = url.indexOf('?');
    return parameters < 0 ? url : url.substring(0, parameters) + "?…";
  }

  private static List<ConfigError> checkNone(
      StoreType type, Map<String, Given> merged, Map<String, Object> values) {
    List<ConfigError> errors = new ArrayList<>();
    String expected =
        "--store postgresql, because store.type is " + type.name().toLowerCase(Locale.ROOT);
    // A password alone does no harm: it may stand in the environment for the commands that need it.
    for (String key : List.of(URL, USER)) {
      if (merged.containsKey(key)) {
        errors.add(new ConfigError(key, "given", expected, source(merged, key)));
      }
    }
    if (Boolean.TRUE.equals(values.get(TAKE_OVER))) {
      errors.add(new ConfigError(TAKE_OVER, "true", expected, source(merged, TAKE_OVER)));
    }
    return errors;
  }

  private static ConfigError missing(String key, String expected) {
    return new ConfigError(key, "not set", expected, "because store.type is postgresql");
  }

  private static String source(Map<String, Given> merged, String path) {
    return Optional.ofNullable(merged.get(path)).map(Given::source).orElseThrow();
  }
}

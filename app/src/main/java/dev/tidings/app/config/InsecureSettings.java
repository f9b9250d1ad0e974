// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Finds secrets and passwords that everybody knows: whoever reads documentation, or tries what
/// people usually take, is let in by them.
final class InsecureSettings {
  /// The key that lets a server start in spite of them.
  static final String TOLERATED = "server.allow-insecure-settings";

  private static final String SECRET = "auth.secret-key";

  /// What calls without a token may do where these are `all`.
  private static final List<Map.Entry<String, String>> ANONYMOUS =
      List.of(
          Map.entry("pubsub.anonymous", "publish, consume and manage clients"),
          Map.entry("streams.anonymous", "send, receive and delete streams"),
          Map.entry("exchanges.anonymous", "publish to exchanges and delete queues"));

  private static final String USERNAME = "auth.bootstrap-admin.username";
  private static final String PASSWORD = "auth.bootstrap-admin.password";

  /// Keys that documents of this and other projects print, in lower case.
  private static final Set<String> PUBLISHED_SECRETS =
      Set.of(
          "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6",
          "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
          "0123456789abcdefghijklmnopqrstuvwxyz",
          "abcdefghijklmnopqrstuvwxyz0123456789",
          "abcdefghijklmnopqrstuvwxyz123456");

  /// What samples say where a secret of one's own belongs.
  private static final List<String> PLACEHOLDERS =
      List.of(
          "change-me",
          "change_me",
          "changeme",
          "change-this",
          "change_this",
          "change-in-production",
          "do-not-use",
          "replace_with",
          "replace-with",
          "your-secret",
          "your_secret",
          "your-secure",
          "your-super-secret",
          "secret-key-here");

  /// Fewer different characters than this were not drawn at random.
  private static final int MIN_DIFFERENT = 6;

  /// Passwords of at least 8 characters that lists of the most frequent ones begin with, and those
  /// that documents print; in lower case.
  private static final Set<String> KNOWN_PASSWORDS =
      Set.of(
          "12345678",
          "123456789",
          "1234567890",
          "123123123",
          "87654321",
          "987654321",
          "1q2w3e4r",
          "1qaz2wsx",
          "abc12345",
          "abcd1234",
          "admin123",
          "admin1234",
          "adminadmin",
          "administrator",
          "adminpw1234",
          "baseball",
          "change-me",
          "change_me",
          "changeit",
          "changeme",
          "changeme1",
          "changeme123",
          "football",
          "iloveyou",
          "letmein1",
          "letmein123",
          "p@ssw0rd",
          "p@ssword",
          "passw0rd",
          "password",
          "password1",
          "password12",
          "password123",
          "password1234",
          "princess",
          "qwerty12",
          "qwerty123",
          "qwertyui",
          "qwertyuiop",
          "rootroot",
          "secret123",
          "secure-password",
          "sunshine",
          "superman",
          "test1234",
          "testtest",
          "trustno1",
          "welcome1",
          "welcome123",
          "your-password",
          "your-secure-password");

  private InsecureSettings() {}

  /// What everybody knows among these values; nothing with `dev`, which only this machine reaches.
  static List<ConfigError> find(Map<String, Given> merged, Map<String, Object> values) {
    List<ConfigError> found = new ArrayList<>();
    if (Boolean.TRUE.equals(values.get("dev"))) {
      return found;
    }
    if (values.get(SECRET) instanceof Secret(String secret) && isKnownSecret(secret)) {
      found.add(
          new ConfigError(
              SECRET,
              "a secret that everybody knows",
              "one of your own: set TIDINGS_AUTH_SECRET_KEY to what `tidings generate-secret-key`"
                  + " prints, or tolerate it with "
                  + TOLERATED,
              source(merged, SECRET)));
    }
    if (values.get(PASSWORD) instanceof Secret(String password)
        && isKnownPassword(password, String.valueOf(values.get(USERNAME)))
        && !isLoopback(values)) {
      found.add(
          new ConfigError(
              PASSWORD,
              "a password that everybody tries first",
              "one of your own: set TIDINGS_AUTH_BOOTSTRAP_ADMIN_PASSWORD; or a loopback address"
                  + " as server.host; or tolerate it with "
                  + TOLERATED,
              source(merged, PASSWORD)));
    }
    for (Map.Entry<String, String> anonymous : ANONYMOUS) {
      String key = anonymous.getKey();
      if (values.get(key) == TidingsConfig.Anonymous.ALL && !isLoopback(values)) {
        found.add(
            new ConfigError(
                key,
                "all, so that everybody may " + anonymous.getValue(),
                "none; or a loopback address as server.host; or tolerate it with " + TOLERATED,
                source(merged, key)));
      }
    }
    return found;
  }

  private static boolean isLoopback(Map<String, Object> values) {
    return values.get("server.host") instanceof String host && Loopback.isNamedBy(host);
  }

  private static boolean isKnownSecret(String secret) {
    String lower = secret.toLowerCase(Locale.ROOT);
    return PUBLISHED_SECRETS.contains(lower)
        || PLACEHOLDERS.stream().anyMatch(lower::contains)
        || lower.chars().distinct().count() < MIN_DIFFERENT;
  }

  private static boolean isKnownPassword(String password, String username) {
    String lower = password.toLowerCase(Locale.ROOT);
    return KNOWN_PASSWORDS.contains(lower)
        || lower.equals(username.toLowerCase(Locale.ROOT))
        || PLACEHOLDERS.stream().anyMatch(lower::contains)
        || lower.chars().distinct().count() < 3;
  }

  private static String source(Map<String, Given> merged, String path) {
    return Optional.ofNullable(merged.get(path)).map(Given::source).orElse("");
  }
}

// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// OAuth clients: made through the API or the command line, and their tokens.
final class Clients {
  private static final Pattern PRINTED =
      Pattern.compile("(?s)client_id=([0-9a-f-]{36})\\Rclient_secret=([0-9a-f]{32})\\R?.*");

  private Clients() {}

  /// What a client proves itself with.
  record Credentials(String id, String secret) {
    static Credentials printed(String output) {
      Matcher matcher = PRINTED.matcher(output);
      assertThat(matcher.matches()).as("printed: %s", output).isTrue();
      return new Credentials(matcher.group(1), matcher.group(2));
    }
  }

  static Answer create(Caller admin, String name, String scopes) {
    return admin.post(
        "/clients",
        "{\"name\":%s,\"scopes\":%s}".formatted(Template.quoted(name), Template.quoted(scopes)));
  }

  static Credentials created(Caller admin, String scopes) {
    Answer answer = create(admin, Caller.unique("client"), scopes).expect(201);
    return new Credentials(answer.text("id"), answer.text("secret"));
  }

  static Answer askForToken(Caller nobody, String id, String secret) {
    return nobody.post(
        "/oauth/token",
        "{\"client_id\":%s,\"client_secret\":%s}"
            .formatted(Template.quoted(id), Template.quoted(secret)));
  }

  /// The client, with a new token.
  static Caller authorized(Caller nobody, Credentials client) {
    String token =
        askForToken(nobody, client.id(), client.secret()).expect(201).text("access_token");
    return nobody.withAuthorization("Bearer " + token);
  }

  /// A new client with these scopes and a token.
  static Caller with(Caller admin, String scopes) {
    return authorized(Caller.nobody(admin.server()), created(admin, scopes));
  }

  static Answer update(Caller admin, String id, String name, String scopes, String further) {
    return admin.put(
        "/clients/" + id,
        "{\"name\":%s,\"scopes\":%s%s}"
            .formatted(
                Template.quoted(name),
                Template.quoted(scopes),
                further.isEmpty() ? "" : "," + further));
  }
}

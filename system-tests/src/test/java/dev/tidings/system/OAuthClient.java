// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import java.net.http.HttpRequest.BodyPublishers;

/// An OAuth client that an administrator has created, with a token of its.
///
/// @param id its id
/// @param secret what it gets its tokens for
/// @param caller with its token
record OAuthClient(String id, String secret, RelayClient caller) {

  /// Creates one with these scopes and gets it a token.
  static OAuthClient create(RelayClient admin, String scopes) {
    var created =
        admin
            .postJson("/clients", Json.object("name", RelayClient.unique("app"), "scopes", scopes))
            .expect(201)
            .json();
    String id = created.get("id").asString();
    String secret = created.get("secret").asString();
    RelayClient nobody = admin.server().anonymous();
    String token = token(nobody, id, secret).expect(201).json().get("access_token").asString();
    return new OAuthClient(id, secret, nobody.withToken(token));
  }

  static Reply token(RelayClient nobody, String id, String secret) {
    return nobody.postJson("/oauth/token", Json.object("client_id", id, "client_secret", secret));
  }

  /// Asks for another token.
  Reply token() {
    return token(caller.server().anonymous(), id, secret);
  }

  /// Replaces what it is, as `admin`.
  Reply put(RelayClient admin, Object... keysAndValues) {
    return admin.send(
        "PUT", "/clients/" + id, BodyPublishers.ofString(Json.write(Json.object(keysAndValues))));
  }
}

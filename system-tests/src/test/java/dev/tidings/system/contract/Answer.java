// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpHeaders;
import tools.jackson.databind.JsonNode;

/// An HTTP answer as it came.
record Answer(int status, HttpHeaders headers, String body) {

  JsonNode json() {
    return Template.parse(body);
  }

  String text(String member) {
    JsonNode value = json().get(member);
    assertThat(value).as("member %s of %s", member, body).isNotNull();
    return value.asString();
  }

  Answer expect(int expected) {
    assertThat(status).as("status; the body was: %s", body).isEqualTo(expected);
    return this;
  }

  /// Asserts the status and the whole body, see [Template].
  Answer expect(int expected, String template) {
    expect(expected);
    assertThat(headers.firstValue("content-type").orElse("none")).startsWith("application/json");
    Template.assertMatches(body, template);
    return this;
  }

  Answer expectDetail(int expected, String detail) {
    return expect(expected, "{\"detail\":" + Template.quoted(detail) + "}");
  }

  /// Asserts a 401 and that it says how to authenticate.
  Answer expectUnauthorized(String detail) {
    assertThat(headers.firstValue("www-authenticate")).hasValue("Bearer");
    return expectDetail(401, detail);
  }

  /// Asserts a 422 with this one error.
  Answer expectInvalid(String error) {
    return expect(422, "{\"detail\":[" + error + "]}");
  }

  /// Asserts a 204 without a body.
  void expectNoContent() {
    expect(204);
    assertThat(body).isEmpty();
  }
}

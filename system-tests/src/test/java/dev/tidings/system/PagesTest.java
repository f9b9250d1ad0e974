// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The pages about the API: that they are whole, come from this server alone, and can be turned
/// off.
@Tag("embedded")
@SystemTest
final class PagesTest {
  private static final Pattern LINK = Pattern.compile("(?:src|href)=\"([^\"]+)\"");

  private final TidingsProcess server;
  private final RelayClient nobody;

  PagesTest(@On(Setup.SECURED) TidingsProcess server) {
    this.server = server;
    this.nobody = server.anonymous();
  }

  @ParameterizedTest
  @CsvSource({
    "/openapi.json, application/json",
    "/docs, text/html; charset=utf-8",
    "/docs/docs.js, text/javascript; charset=utf-8",
    "/docs/swagger-ui.css, text/css; charset=utf-8",
    "/docs/swagger-ui-bundle.js, text/javascript; charset=utf-8",
    "/docs/favicon.png, image/png",
    "/redoc, text/html; charset=utf-8",
    "/redoc/redoc.js, text/javascript; charset=utf-8",
    "/redoc/redoc.css, text/css; charset=utf-8",
    "/redoc/redoc.standalone.js, text/javascript; charset=utf-8"
  })
  void file_hasItsType_andIsSentOnceAsLongAsItStays(String path, String type) {
    Reply reply = nobody.get(path).expect(200);

    assertThat(reply.header("content-type")).hasValue(type);
    assertThat(reply.body()).isNotEmpty();
    assertThat(reply.header("cache-control")).hasValue("no-cache");
    assertThat(reply.header("x-content-type-options")).hasValue("nosniff");
    assertThat(reply.header("content-security-policy").orElseThrow())
        .startsWith("default-src 'none'; script-src 'self';")
        .doesNotContain("unsafe-eval", "http:", "https:", "*");
    String tag = reply.header("etag").orElseThrow();
    for (String named : List.of(tag, "W/" + tag, "\"other\", " + tag, "*")) {
      Reply again = nobody.send("GET", path, RelayClient.NOTHING, "If-None-Match", named);
      assertThat(again.expect(304).body()).isEmpty();
      assertThat(again.header("etag")).hasValue(tag);
    }
    nobody.send("GET", path, RelayClient.NOTHING, "If-None-Match", "\"other\"").expect(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/docs", "/redoc"})
  void page_namesOnlyFilesThatThisServerHas(String page) {
    List<String> links =
        LINK.matcher(nobody.get(page).expect(200).body())
            .results()
            .map(match -> match.group(1))
            .toList();

    assertThat(links).hasSizeGreaterThan(3);
    for (String link : links) {
      nobody.get(server.url().resolve(page).resolve(link).getPath()).expect(200);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/docs/nothing.js",
        "/docs/redoc.js",
        "/docs/openapi.yaml",
        "/docs/..%2fdocs%2fdocs.js",
        "/docs/%2e%2e%2fopenapi.json",
        "/docs/docs.js%00",
        "/docs/x/docs.js",
        "/redoc/..%2F..%2F..%2F..%2Fetc%2Fpasswd"
      })
  void path_ofNoFile_is404(String path) {
    nobody.get(path).expectDetail(404, "Not Found");
  }

  @Test
  void page_asksNobodyElseWhetherTheDocumentIsValid() {
    assertThat(nobody.get("/docs/docs.js").expect(200).body()).contains("validatorUrl: null");
  }

  /// Swagger UI logs in so: with an empty client in a Basic header, from a page of this server.
  @Test
  void login_asSwaggerUiSendsIt_works() {
    User user = server.admin().newUser("read");

    String token =
        nobody
            .withAuthorization("Basic Og==")
            .form(
                "/auth/login",
                "grant_type",
                "password",
                "username",
                user.name(),
                "password",
                user.password())
            .expect(200)
            .json()
            .get("access_token")
            .asString();

    nobody.withToken(token).me().expect(200);
  }

  @Test
  void pages_turnedOff_areUnknown() {
    try (TidingsProcess without =
        TidingsProcess.startSecured(Map.of("TIDINGS_SERVER_PAGES", "false"))) {
      for (String path : List.of("/docs", "/docs/docs.js", "/redoc", "/openapi.json")) {
        without.anonymous().get(path).expectDetail(404, "Not Found");
      }
      without.anonymous().get("/health").expect(200);
    }
  }
}

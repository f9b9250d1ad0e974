// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidings.app.config.Secret;
import java.net.ServerSocket;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ApiClientTest {
  static final Credentials ALICE = new Credentials.Login("al&ice", new Secret("päss word"));

  @Test
  void publish_logsInOnce_andSendsThePayloadAsItIs() throws Exception {
    try (RelayDouble relay = new RelayDouble((_, _) -> {});
        ApiClient api = new ApiClient(relay.url(), ALICE)) {
      assertThat(api.publish("news", "{\"n\": 1.50}", Optional.of(60), Map.of("k", "v\"")))
          .isEqualTo("{\"message_id\":\"msg_1\"}");
      api.publish("news", "{}", Optional.empty(), Map.of());
      assertThat(relay.bodies)
          .containsExactly(
              "{\"topic\":\"news\",\"ttl\":60,\"metadata\":{\"k\":\"v\\\"\"},\"payload\":{\"n\": 1.50}}",
              "{\"topic\":\"news\",\"payload\":{}}");
      assertThat(relay.logins()).isEqualTo(1);
    }
  }

  @Test
  void publish_afterTheTokenRanOut_logsInAgain() throws Exception {
    try (RelayDouble relay = new RelayDouble((_, _) -> {});
        ApiClient api = new ApiClient(relay.url(), ALICE)) {
      relay.firstTokenExpired = true;
      api.publish("news", "{}", Optional.empty(), Map.of());
      assertThat(relay.logins()).isEqualTo(2);
      assertThat(relay.bodies).hasSize(1);
    }
  }

  @Test
  void refusals_tellWhatTheServerSaid() throws Exception {
    try (RelayDouble relay = new RelayDouble((_, _) -> {});
        ApiClient api = new ApiClient(relay.url(), ALICE);
        ApiClient stranger =
            new ApiClient(relay.url(), new Credentials.Login("eve", new Secret("x")))) {
      relay.publishStatus = 422;
      assertThatThrownBy(() -> api.publish("a!", "{}", Optional.empty(), Map.of()))
          .isInstanceOf(RequestException.class)
          .hasMessageContaining("422 [{\"msg\":\"bad topic\"}]");
      assertThatThrownBy(() -> stranger.publish("a", "{}", Optional.empty(), Map.of()))
          .isInstanceOf(RequestException.class)
          .hasMessageContaining("logging in as eve")
          .hasMessageContaining("401 Incorrect username or password");
    }
  }

  @Test
  void noServer_isToldWithWhatToDo() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    try (ApiClient api = new ApiClient(URI.create("http://127.0.0.1:" + port), ALICE)) {
      assertThatThrownBy(() -> api.publish("a", "{}", Optional.empty(), Map.of()))
          .isInstanceOf(RequestException.class)
          .hasMessageContaining("nothing answers at")
          .hasMessageContaining("tidings serve --dev");
    }
  }
}

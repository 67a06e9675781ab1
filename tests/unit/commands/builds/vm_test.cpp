#include "tests/unit/commands/builds/history.hpp"

namespace tidemark::commands::builds {
namespace {

AuthenticateVm authenticate(std::uint32_t attempt = 1) { return {.build_id = "b1", .attempt = attempt,
                                                                 .token_key_id = "k2", .pool_id = std::nullopt}; }
MarkVmReady ready(std::uint32_t attempt = 1) { return {.build_id = "b1", .attempt = attempt, .pool_id = std::nullopt}; }
VmAuthenticated authenticated(std::uint32_t seq) {
  return {.pool_id = "default", .build_id = "b1", .attempt = 1, .auth_seq = seq, .token_key_id = "k2",
          .vm_token_expires_at = kT0 + 7200 * kSecond};
}
Given assigned_build() { return given<Builds>({registered("w1"), submitted("b1"), assigned("b1", "w1")}); }

TEST(VmAuthentication, ARightPasswordGivesAToken) {
  auto g = assigned_build();
  g.when(authenticate()).then({authenticated(1), logged("b1", 0, "VM authenticated with OTP")})
      .then_reply(VmTokenReply{.attempt = 1, .auth_seq = 1, .token_key_id = "k2",
                               .vm_token_expires_at = kT0 + 7200 * kSecond});
  EXPECT_TRUE(vm_token_alive(build_of(g, "b1"), std::nullopt, from_ms(kT0 + 7199 * kSecond), Settings{}));
  EXPECT_FALSE(vm_token_alive(build_of(g, "b1"), std::nullopt, from_ms(kT0 + 7200 * kSecond), Settings{}));
  EXPECT_TRUE(vm_token_alive(build_of(g, "b1"), from_ms(kT0 + 7000 * kSecond), from_ms(kT0 + 14000 * kSecond),
                             Settings{}));
  EXPECT_FALSE(vm_token_alive(build_of(g, "b1"), from_ms(kT0 + 14000 * kSecond), from_ms(kT0 + 14400 * kSecond),
                              Settings{}));
}

TEST(VmAuthentication, EachSuccessReplacesTheToken) {
  assigned_build().event(authenticated(1)).when(authenticate())
      .then({authenticated(2), logged("b1", 0, "VM authenticated with OTP")});
}

TEST(VmAuthentication, ItIsRefused) {
  given<Builds>({}).when(authenticate()).then_refused("BUILD_NOT_FOUND", 404);
  given<Builds>({submitted("b1")}).when(authenticate()).then_refused("OTP_NOT_CONFIGURED", 401);
  assigned_build().when(authenticate(2)).then_refused("OTP_INVALID", 401);
  assigned_build().after(600 * kSecond).when(authenticate()).then_refused("OTP_EXPIRED", 401);
  assigned_build().event(authenticated(1)).event(VmReady{.pool_id = "default", .build_id = "b1", .attempt = 1}).after(1)
      .when(authenticate()).then_refused("OTP_SPENT", 401);
}

TEST(VmReadiness, ItIsRecordedOnce) {
  auto g = assigned_build().event(authenticated(1));
  g.when(ready())
      .then({VmReady{.pool_id = "default", .build_id = "b1", .attempt = 1}, logged("b1", 0, "VM signaled ready")})
      .then_reply(VmReadyReply{.vm_ready_at = kT0});
  g.after(kSecond).when(ready()).then_nothing().then_reply(VmReadyReply{.vm_ready_at = kT0});
}

TEST(VmReadiness, ItIsRefused) {
  given<Builds>({}).when(ready()).then_refused("BUILD_NOT_FOUND", 404);
  assigned_build().when(ready()).then_refused("VM_TOKEN_NOT_ISSUED", 403);
  assigned_build().event(authenticated(1)).when(ready(2)).then_refused("VM_TOKEN_INVALID", 403);
  assigned_build().event(authenticated(1)).event(failed("b1", "w1")).when(ready())
      .then_refused("BUILD_ALREADY_FINISHED", 409);
}

}  // namespace
}  // namespace tidemark::commands::builds

"""Talking OpenID Connect with a client's provider: the way there and what comes back (RFC 9700, RFC 9207)."""

import asyncio
import base64
import hmac
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx2
import msgspec
import structlog
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.identity.public_keys import usable
from services.identity.single_sign_on.id_tokens import Distrusted, Subject, UnknownKey, read_id_token
from services.identity.single_sign_on.models import IssuerUnusable, OtherIssuer, Provider, ProviderAway
from services.identity.single_sign_on.outgoing import SECONDS, Outgoing
from shared.language import gettext as _

CALLBACK = "/sign-in/sso/callback"
SCOPE = "openid email profile"
KEPT_SECONDS = 600
REFRESH_SECONDS = 30
"""A token with an unknown key asks for the provider's keys again, at most this often."""
REMEMBERED = 256

T = TypeVar("T")
log = structlog.get_logger("identity.single_sign_on")


class Metadata(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0, 3), as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Unreadable(Exception):
    """An answer, and not one of a provider."""


class OpenId:
    """The portal as a client of any number of providers."""

    def __init__(self, outgoing: Outgoing, public_url: str) -> None:
        self.redirect_uri = public_url.rstrip("/") + CALLBACK
        self._outgoing = outgoing
        self._http = httpx2.AsyncClient(transport=outgoing, timeout=SECONDS, trust_env=False)
        self._metadata: dict[str, tuple[float, Metadata]] = {}
        self._keys: dict[str, tuple[float, KeySet]] = {}

    async def check_issuer(self, issuer: str) -> None:
        """Have a look at a provider before it is relied on. Raises `IssuerUnusable`."""
        self._metadata.pop(issuer, None)
        try:
            await self._discover(issuer)
        except OtherIssuer as error:
            raise IssuerUnusable(
                _("What answers there calls itself {told}. Enter it in exactly this way.", told=error.told)
            ) from error
        except ProviderAway as error:
            raise IssuerUnusable(_("Nothing that speaks OpenID Connect answers at this address.")) from error

    async def way_there(self, provider: Provider, state: str, flow: str) -> str:
        """Where to send the browser. Raises `ProviderAway`."""
        metadata = await self._discover(provider.issuer)
        url, _ = self._client(provider, metadata).create_authorization_url(
            metadata.authorization_endpoint,
            state=state,
            nonce=_derived(flow, "nonce", state),
            code_verifier=_derived(flow, "verifier", state),
        )
        return url

    async def subject(self, provider: Provider, *, code: str, state: str, flow: str, iss: str | None) -> Subject | None:
        """Whom the provider's answer speaks of; None, and in the log why, where it is not to be trusted.

        Raises `ProviderAway`.
        """
        try:
            return await self._subject(provider, code, state, flow, iss)
        except (Distrusted, OAuthError, ValueError) as error:
            why = str(error) if isinstance(error, Distrusted) else type(error).__name__
            log.warning("single_sign_on.distrusted", client_id=str(provider.client_id), why=why)
            return None

    async def _subject(self, provider: Provider, code: str, state: str, flow: str, iss: str | None) -> Subject:
        metadata = await self._discover(provider.issuer)
        if iss != provider.issuer and (iss or metadata.authorization_response_iss_parameter_supported):
            raise Distrusted("another issuer answered")  # mix-up (RFC 9207, 2.4)
        client = self._client(provider, metadata)
        answer = await _within_time(
            client.fetch_token(
                metadata.token_endpoint,
                grant_type="authorization_code",
                code=code,
                redirect_uri=self.redirect_uri,
                code_verifier=_derived(flow, "verifier", state),
            )
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Distrusted("no id token")
        nonce = _derived(flow, "nonce", state)

        def read(keys: KeySet) -> Subject:
            return read_id_token(token, keys, issuer=provider.issuer, audience=provider.oauth_client_id, nonce=nonce)

        try:
            return read(await self._keys_of(metadata, KEPT_SECONDS))
        except UnknownKey:
            return read(await self._keys_of(metadata, REFRESH_SECONDS))

    def _client(self, provider: Provider, metadata: Metadata) -> AsyncOAuth2Client:
        methods = metadata.token_endpoint_auth_methods_supported
        post = "client_secret_basic" not in methods and "client_secret_post" in methods
        return AsyncOAuth2Client(
            client_id=provider.oauth_client_id,
            client_secret=provider.secret,
            token_endpoint_auth_method="client_secret_post" if post else "client_secret_basic",
            scope=SCOPE,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            transport=self._outgoing,
            timeout=SECONDS,
            trust_env=False,
        )

    async def _discover(self, issuer: str) -> Metadata:
        known = self._metadata.get(issuer)
        if known and time.monotonic() - known[0] < KEPT_SECONDS:
            return known[1]
        url = issuer.rstrip("/") + "/.well-known/openid-configuration"
        metadata = await self._read(url, lambda document: msgspec.convert(document, Metadata))
        addresses = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
        if metadata.issuer != issuer and metadata.issuer.rstrip("/") == issuer.rstrip("/"):
            raise OtherIssuer(metadata.issuer)
        if metadata.issuer != issuer or not all(map(self._outgoing.allows, addresses)):
            log.warning("single_sign_on.metadata", issuer=issuer, told=metadata.issuer)
            raise ProviderAway
        _keep(self._metadata, issuer, metadata)
        return metadata

    async def _keys_of(self, metadata: Metadata, at_most: float) -> KeySet:
        """The provider's keys, not read longer ago than `at_most` seconds."""
        known = self._keys.get(metadata.jwks_uri)
        if known and time.monotonic() - known[0] < at_most:
            return known[1]
        keys = await self._read(metadata.jwks_uri, lambda document: usable(document["keys"]))
        _keep(self._keys, metadata.jwks_uri, keys)
        return keys

    async def _read(self, url: str, convert: Callable[[Any], T]) -> T:
        """A JSON document of a provider. Raises `ProviderAway`."""
        try:
            answer = await _within_time(self._http.get(url))
            if answer.status_code != 200:
                raise Unreadable(answer.status_code)
            return convert(msgspec.json.decode(answer.content))
        except (Unreadable, JoseError, ValueError, TypeError, LookupError, httpx2.InvalidURL) as error:
            log.warning("single_sign_on.unreadable", url=url, error=repr(error))
            raise ProviderAway from error


async def _within_time(call: Awaitable[T]) -> T:
    """The answer, within `SECONDS` all in all. Raises `ProviderAway`."""
    try:
        async with asyncio.timeout(SECONDS):
            return await call
    except (httpx2.HTTPError, TimeoutError) as error:
        log.warning("single_sign_on.away", error=repr(error))
        raise ProviderAway from error


def _keep(cache: dict[str, tuple[float, T]], name: str, value: T) -> None:
    if len(cache) >= REMEMBERED:
        cache.clear()
    cache[name] = time.monotonic(), value


def _derived(flow: str, use: str, state: str) -> str:
    """Nonce and PKCE verifier of a sign-in follow from the browser's flow cookie, so neither is stored anywhere."""
    mac = hmac.digest(flow.encode(), f"{use}:{state}".encode(), "sha256")
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")

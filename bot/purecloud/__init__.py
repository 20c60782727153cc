"""An asynchronous client of Genesys Cloud's Tokens API and of the look-ups that a revocation needs.

The package is usable on its own. Of the rest of the project it imports only `bot.errors` and `bot.network`:

    import aiohttp
    from bot.purecloud import PureCloud, Region

    async def revoke_sessions(region: Region, client_id: str, client_secret: str, email: str) -> str:
        async with aiohttp.ClientSession() as session:
            purecloud = PureCloud(session, region, client_id, client_secret)
            users = await purecloud.users.search_by_email(email)
            if len(users) != 1:
                return f"{len(users)} users have the address {email}; no token was deleted."
            done = await purecloud.tokens.delete_token(users[0].id)
            return f"All tokens of {users[0].name} were deleted (HTTP {done.status})."

`region("mypurecloud.ie")` returns the region of an organization's domain.
"""

from bot.purecloud.auth import Auth, Token
from bot.purecloud.client import AuthorizationApi, Done, PureCloud, TokensApi, UsersApi
from bot.purecloud.errors import (
    GenesysError,
    GenesysForbidden,
    GenesysLoginFailed,
    GenesysNoResponse,
    GenesysNotFound,
    GenesysNotSent,
    GenesysRateLimited,
    GenesysRejected,
    GenesysServerError,
    GenesysUnauthenticated,
    GenesysUnreachable,
    LoginCause,
)
from bot.purecloud.models import (
    AuthzSubject,
    DivsPermittedEntityListing,
    DomainPermissionCollection,
    MediaSummary,
    NamedEntity,
    OrgOAuthClient,
    ResourcePermissionPolicy,
    TokenInfo,
    User,
    UserAuthorization,
)
from bot.purecloud.regions import REGIONS, Region, region
from bot.purecloud.retry import Limits, is_transient
from bot.purecloud.transport import HttpAttempt

__all__ = [
    "REGIONS",
    "Auth",
    "AuthorizationApi",
    "AuthzSubject",
    "DivsPermittedEntityListing",
    "DomainPermissionCollection",
    "Done",
    "GenesysError",
    "GenesysForbidden",
    "GenesysLoginFailed",
    "GenesysNoResponse",
    "GenesysNotFound",
    "GenesysNotSent",
    "GenesysRateLimited",
    "GenesysRejected",
    "GenesysServerError",
    "GenesysUnauthenticated",
    "GenesysUnreachable",
    "HttpAttempt",
    "Limits",
    "LoginCause",
    "MediaSummary",
    "NamedEntity",
    "OrgOAuthClient",
    "PureCloud",
    "Region",
    "ResourcePermissionPolicy",
    "Token",
    "TokenInfo",
    "TokensApi",
    "User",
    "UserAuthorization",
    "UsersApi",
    "is_transient",
    "region",
]

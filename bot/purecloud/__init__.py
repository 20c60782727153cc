"""A small asynchronous client of Genesys Cloud's Tokens API, and of what one asks before ending somebody's tokens.

It knows nothing of the rest of this project but `bot.errors.BotError`, and serves alone:

    import aiohttp
    from bot.purecloud import PureCloud
    from bot.purecloud import Region

    async def end_sessions(place: Region, client_id: str, client_secret: str, email: str) -> str:
        async with aiohttp.ClientSession() as session:
            purecloud = PureCloud(session, place, client_id, client_secret)
            people = await purecloud.users.search_by_email(email)
            if len(people) != 1:
                return f"{len(people)} people have the address {email}; nobody's tokens were deleted."
            done = await purecloud.tokens.delete_token(people[0].id)
            return f"Every token of {people[0].name} was deleted (HTTP {done.status})."

`place` is `region("mypurecloud.ie")`, or wherever the organization lives.
"""

from bot.purecloud.auth import Auth, Token
from bot.purecloud.client import AuthorizationApi, Done, PureCloud, TokensApi, UsersApi
from bot.purecloud.errors import (
    GenesysError,
    GenesysForbidden,
    GenesysLoginFailed,
    GenesysNoResponse,
    GenesysNotFound,
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
    NamedEntity,
    OrgOAuthClient,
    ResourcePermissionPolicy,
    TokenInfo,
    User,
    UserAuthorization,
)
from bot.purecloud.regions import REGIONS, Region, region
from bot.purecloud.retry import Limits
from bot.purecloud.transport import Call

__all__ = [
    "REGIONS",
    "Auth",
    "AuthorizationApi",
    "AuthzSubject",
    "Call",
    "DivsPermittedEntityListing",
    "DomainPermissionCollection",
    "Done",
    "GenesysError",
    "GenesysForbidden",
    "GenesysLoginFailed",
    "GenesysNoResponse",
    "GenesysNotFound",
    "GenesysRateLimited",
    "GenesysRejected",
    "GenesysServerError",
    "GenesysUnauthenticated",
    "GenesysUnreachable",
    "Limits",
    "LoginCause",
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
    "region",
]

process.on("exit", () => console.log("exit"));
setTimeout(()=>{ console.log(process.getActiveResourcesInfo()); }, 5000).unref();
